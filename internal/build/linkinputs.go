package build

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/build/toolchain"
)

// linkInputs are the files that words on the link line, written for a folder,
// give to the linker: those that they name, and what -lNAME finds in the folders
// of -L.
func linkInputs(dir string, words []string) (files []string) {
	path := func(name string) string {
		if filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(dir, name)
	}
	var folders []string
	for _, word := range words {
		if folder, is := strings.CutPrefix(word, "-L"); is {
			folders = append(folders, path(folder))
		}
	}
	for i, word := range words {
		library, is := strings.CutPrefix(word, "-l")
		if !is {
			// Not the second word of -u SYMBOL and the like.
			if !strings.HasPrefix(word, "-") && (i == 0 || !takesNext.MatchString(words[i-1])) {
				files = append(files, path(word))
			}
			continue
		}
		for _, folder := range folders {
			exact, is := strings.CutPrefix(library, ":")
			found := matching(folder, exact)
			if !is {
				found = append(matching(folder, "lib"+library+".so"), matching(folder, "lib"+library+".a")...)
			}
			if len(found) > 0 {
				files = append(files, found[0])
				break
			}
		}
	}
	return files
}

// checkInputs refuses what can't be linked into a plugin for a platform, with a
// better reason than the linker's.
func (f *cFolder) checkInputs(p *platform.Platform) error {
	a, err := f.arguments(p)
	if err != nil {
		return err
	}
	for _, path := range linkInputs(f.dir, a.link) {
		if err := linkable(path, p, func(p *platform.Platform) string { return p.Name + ":" }); err != nil {
			return fmt.Errorf("%s names %w", filepath.Join(f.dir, FlagsFile), err)
		}
	}
	return nil
}

// linkable says what is wrong with a file on the link line; line tells how lines
// begin that are for one platform. Its errors continue a sentence.
func linkable(path string, p *platform.Platform, line func(*platform.Platform) string) error {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s, which does not exist (looked for while building for %s)", path, p)
	}
	if err != nil {
		return err
	}
	defer file.Close()
	h, err := firstELF(file)
	if err != nil || h == nil {
		return nil // a linker script, say: the linker will tell
	}
	if h.Type == elf.ET_DYN {
		return fmt.Errorf("%s, a shared library, which the systems of the plugin's users don't have: link a static archive (.a) of it, or ship it beside the plugin and open it with dlopen", path)
	}
	if of := platform.Of(h.Class, h.Machine); of != p {
		if of == nil {
			return fmt.Errorf("%s, which holds code for %s %s, in a build for %s", path, h.Class, h.Machine, p)
		}
		return fmt.Errorf("%s, which holds code for %s, in a build for %s: begin the line with %q and name one for %[3]s in a line of its own", path, of, p, line(of))
	}
	return nil
}

// readInputs reads the files on a link line, which can be large, once. It tells
// whether one needs the library of C++, and refuses those that the other
// toolchain's compiler made with -flto: the linker takes what it can't read for
// empty. Errors continue a sentence.
func (t *target) readInputs(files []string) (needCXX bool, err error) {
	for _, path := range files {
		content, err := os.ReadFile(path)
		if err != nil {
			return false, err
		}
		needCXX = needCXX || cxxSymbols.Match(content)
		const bitcode = "BC\xc0\xde"
		lto := ""
		switch {
		case bytes.Contains(content, []byte("__gnu_lto_slim")):
			lto = toolchain.GCC
		case bytes.HasPrefix(content, []byte(bitcode)) || bytes.Contains(content, []byte("`\n"+bitcode)):
			lto = toolchain.Zig
		}
		if lto != "" && lto != t.tc.Name {
			return false, fmt.Errorf("%s holds no machine code, only what -flto made for another compiler than %s: compile it without -flto", path, t.tc)
		}
	}
	return needCXX, nil
}

// firstELF reads the header of an ELF file, or of the first in an archive. It is
// nil where there is none. The packages' reader of archives does not take the
// blank fields of an archive's list of long names.
func firstELF(file io.ReaderAt) (*elf.FileHeader, error) {
	const magic, header = "!<arch>\n", 60
	read := func(at int64, size int) []byte {
		data := make([]byte, size)
		n, _ := file.ReadAt(data, at)
		return data[:n]
	}
	at := int64(0)
	if string(read(0, len(magic))) == magic {
		for at = int64(len(magic)); ; {
			member := read(at, header)
			if len(member) < header {
				return nil, io.EOF
			}
			size, err := strconv.ParseInt(strings.TrimSpace(string(member[48:58])), 10, 64)
			if err != nil || size < 0 {
				return nil, errors.New("damaged")
			}
			at += header
			if bytes.HasPrefix(read(at, 4), []byte(elf.ELFMAG)) {
				break
			}
			at += size + size%2
		}
	}
	f, err := elf.NewFile(io.NewSectionReader(file, at, 1<<40))
	if err != nil {
		return nil, err
	}
	return &f.FileHeader, nil
}

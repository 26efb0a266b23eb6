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
)

// linkInputs are the files that a plugin's flags give to the linker: those that
// they name, and what -lNAME finds in the folders of -L.
func (f *cFolder) linkInputs(a cArguments) (files []string) {
	path := func(name string) string {
		if filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(f.dir, name)
	}
	var folders []string
	for _, word := range a.link {
		if folder, is := strings.CutPrefix(word, "-L"); is {
			folders = append(folders, path(folder))
		}
	}
	for i, word := range a.link {
		library, is := strings.CutPrefix(word, "-l")
		if !is {
			// Not the second word of -u SYMBOL and the like.
			if !strings.HasPrefix(word, "-") && (i == 0 || !takesNext.MatchString(a.link[i-1])) {
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
	for _, path := range f.linkInputs(a) {
		if err := linkable(path, p); err != nil {
			return fmt.Errorf("%s names %w", filepath.Join(f.dir, FlagsFile), err)
		}
	}
	return nil
}

// linkable says what is wrong with a file on the link line. Its errors continue
// a sentence.
func linkable(path string, p *platform.Platform) error {
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
		holds := fmt.Sprintf("%s %s", h.Class, h.Machine)
		if of != nil {
			holds = of.Name
		}
		return fmt.Errorf("%s, which holds code for %s, in a build for %s: begin the line with \"%s:\" and name one for %[3]s in a line of its own", path, holds, p, holds)
	}
	return nil
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

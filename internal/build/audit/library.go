package audit

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// library is a file that ld.so on i386 would take for a shared library.
type library struct {
	*elf.File
	data []byte
}

const buildRemedy = "the antivirus server is a 32-bit i386 process: build the plugin with GOARCH=386, or gcc -m32"

// open reads the whole file, so that everything after it judges the same bytes.
func open(path string, parse func([]byte) (*library, error)) (*library, error) {
	info, err := os.Stat(path)
	if err != nil {
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err
		}
		return nil, fmt.Errorf("open library %s: %w", path, err)
	}
	if !info.Mode().IsRegular() {
		kind := "special file"
		if info.IsDir() {
			kind = "folder"
		}
		return nil, fmt.Errorf("%s is a %s: name a plugin library such as avir_clam.so", path, kind)
	}
	if info.Size() > maxFileSize {
		return nil, fmt.Errorf("%s has %d bytes, more than the %d that an audit reads: is it a plugin library?", path, info.Size(), maxFileSize)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read library: %w", err)
	}
	lib, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s %w", path, err)
	}
	return lib, nil
}

// parse refuses what the rules cannot judge. Its errors continue a sentence
// that begins with the file's name.
func parse(data []byte) (*library, error) {
	lib, err := parseELF(data)
	if err != nil {
		return nil, err
	}
	if lib.Type != elf.ET_DYN {
		return nil, fmt.Errorf("is not a shared library but %s: link it with -shared, or go build -buildmode=c-shared", lib.Type)
	}
	if lib.flags1()&elf.DF_1_PIE != 0 {
		return nil, errors.New("is a position-independent program, not a shared library: link it with -shared")
	}
	return lib, lib.whole()
}

// parseProgram is parse for a program that ld.so links.
func parseProgram(data []byte) (*library, error) {
	lib, err := parseELF(data)
	if err != nil {
		return nil, err
	}
	return lib, lib.whole()
}

func parseELF(data []byte) (*library, error) {
	if len(data) == 0 {
		return nil, errors.New("is an empty file: build or copy the library again")
	}
	if !bytes.HasPrefix(data, []byte(elf.ELFMAG)) {
		return nil, errors.New("is not an ELF file: name a plugin library such as avir_clam.so")
	}
	// The class comes first: a 64-bit library is the mistake people make.
	if len(data) > elf.EI_CLASS && elf.Class(data[elf.EI_CLASS]) == elf.ELFCLASS64 {
		return nil, fmt.Errorf("is a 64-bit library; %s", buildRemedy)
	}
	file, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("is a damaged ELF file, build or copy it again: %w", err)
	}
	lib := &library{File: file, data: data}
	if file.Class != elf.ELFCLASS32 || file.Machine != elf.EM_386 || file.Data != elf.ELFDATA2LSB {
		return nil, fmt.Errorf("is a library for %s %s; %s", file.Machine, file.Data, buildRemedy)
	}
	return lib, nil
}

// whole makes sure that the rules see all that ld.so would.
func (l *library) whole() error {
	for _, check := range []func() error{l.complete, l.consistent, l.hashesInside, l.boundedVersions} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// complete finds a file that was cut off.
func (l *library) complete() error {
	size := uint64(len(l.data))
	if len(l.Progs) > maxSegments {
		return fmt.Errorf("is a damaged ELF file, build or copy it again: it has %d segments", len(l.Progs))
	}
	for _, p := range l.Progs {
		if p.Off+p.Filesz > size {
			return fmt.Errorf("is cut off: a segment ends at byte %d and the file has %d; build or copy it again", p.Off+p.Filesz, size)
		}
	}
	for _, s := range l.Sections {
		if s.Type != elf.SHT_NULL && s.Type != elf.SHT_NOBITS && s.Offset+s.FileSize > size {
			return fmt.Errorf("is cut off: section %q ends at byte %d and the file has %d; build or copy it again", s.Name, s.Offset+s.FileSize, size)
		}
	}
	return nil
}

// dyn is the first value of a tag of the dynamic section.
func (l *library) dyn(tag elf.DynTag) (value uint64, has bool) {
	values, err := l.DynValue(tag)
	if err != nil || len(values) == 0 {
		return 0, false
	}
	return values[0], true
}

func (l *library) flags() elf.DynFlag {
	value, _ := l.dyn(elf.DT_FLAGS)
	return elf.DynFlag(value)
}

func (l *library) flags1() elf.DynFlag1 {
	value, _ := l.dyn(elf.DT_FLAGS_1)
	return elf.DynFlag1(value)
}

// segmentAt is the loaded segment that holds an address, or nil.
func (l *library) segmentAt(addr uint64) *elf.Prog {
	for _, p := range l.Progs {
		if p.Type == elf.PT_LOAD && addr >= p.Vaddr && addr-p.Vaddr < p.Memsz {
			return p
		}
	}
	return nil
}

// bytesAt is size bytes of the file that are loaded at addr, or nil.
func (l *library) bytesAt(addr, size uint64) []byte {
	p := l.segmentAt(addr)
	if p == nil || addr-p.Vaddr+size > p.Filesz {
		return nil
	}
	start := p.Off + addr - p.Vaddr
	return l.data[start : start+size]
}

package audit

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/avirkit/avirkit/internal/build/platform"
)

// library is a file that ld.so of a platform would take for a shared library.
type library struct {
	*elf.File
	data     []byte
	platform *platform.Platform
}

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
	file, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("is a damaged ELF file, build or copy it again: %w", err)
	}
	p := platform.Of(file.Class, file.Machine)
	if p == nil || file.Data != elf.ELFDATA2LSB {
		return nil, fmt.Errorf("is for %s %s %s, and antivirus servers are %s: build it for one of these", file.Class, file.Machine, file.Data, platform.Names(platform.All))
	}
	if file.OSABI != elf.ELFOSABI_NONE && file.OSABI != elf.ELFOSABI_LINUX || file.ABIVersion != 0 {
		return nil, fmt.Errorf("is for %s, version %d, which ld.so refuses: build it for Linux", file.OSABI, file.ABIVersion)
	}
	return &library{File: file, data: data, platform: p}, nil
}

// whole makes sure that the rules can read the file. It does not defend against
// forgery: whoever may install a plugin can have the host run anything.
func (l *library) whole() error {
	if l.SectionByType(elf.SHT_DYNAMIC) == nil || l.SectionByType(elf.SHT_DYNSYM) == nil {
		return errors.New("has no section table with a dynamic section and its symbols, so it can't be audited: strip it with strip --strip-all only")
	}
	return l.complete()
}

// word reads an address of the platform's size.
func (l *library) word(data []byte) uint64 {
	if l.platform.PointerSize == 8 {
		return binary.LittleEndian.Uint64(data)
	}
	return uint64(binary.LittleEndian.Uint32(data))
}

// complete finds a file that was cut off.
func (l *library) complete() error {
	size := uint64(len(l.data))
	for _, p := range l.Progs {
		if beyond(p.Off, p.Filesz, size) {
			return fmt.Errorf("is cut off: a segment ends at byte %d and the file has %d; build or copy it again", p.Off+p.Filesz, size)
		}
	}
	for _, s := range l.Sections {
		if s.Type != elf.SHT_NULL && s.Type != elf.SHT_NOBITS && beyond(s.Offset, s.FileSize, size) {
			return fmt.Errorf("is cut off: section %q ends at byte %d and the file has %d; build or copy it again", s.Name, s.Offset+s.FileSize, size)
		}
	}
	return nil
}

// beyond says whether a range of bytes ends after size; the sum may overflow.
func beyond(start, length, size uint64) bool { return start > size || length > size-start }

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
	if p == nil || beyond(addr-p.Vaddr, size, p.Filesz) {
		return nil
	}
	start := p.Off + addr - p.Vaddr
	return l.data[start : start+size]
}

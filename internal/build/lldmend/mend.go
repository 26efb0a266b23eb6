package lldmend

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// state is what the linker left at a place.
type state int

const (
	unknown  state = iota
	defect         // slot + A - GOT
	composed       // slot + A - P: right
)

// Mend corrects the shared library at path, which was linked by LLD from the
// Go object file at object and from others, the C objects, which must have no
// composed relocation. path and object must have their symbols. The file is
// changed in place, and only once every place in it has been proved to be
// what is expected; after an error before that it is as it was. mended is how
// many places held what the defect leaves: all of them, or none.
func Mend(path, object string, others ...string) (mended int, err error) {
	obj, err := open386(object, elf.ET_REL)
	if err != nil {
		return 0, err
	}
	defer obj.Close()
	places, err := placesIn(obj)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", object, err)
	}
	if len(places) == 0 {
		return 0, fmt.Errorf("%s: no composed relocations: not the object of a c-shared library for 386", object)
	}

	if err := RefuseComposed(others...); err != nil {
		return 0, err
	}

	before, err := inspect(path, places)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	if before.composed == len(places) {
		return 0, nil
	}
	if before.defect != len(places) {
		return 0, fmt.Errorf("%s: %d of %d places are mended already and %d are not: link it again", path, before.composed, len(places), before.defect)
	}
	if err := before.write(path); err != nil {
		return 0, err
	}
	after, err := inspect(path, places)
	if err != nil {
		return 0, fmt.Errorf("%s: after mending: %w", path, err)
	}
	if after.composed != len(places) {
		return 0, fmt.Errorf("%s: only %d of %d places are right after mending", path, after.composed, len(places))
	}
	return len(places), nil
}

// inspection is what one look at all places of a library found.
type inspection struct {
	defect, composed int
	patches          []patch // one for each defect
}

type patch struct {
	fileOffset int64
	value      uint32
}

func (in inspection) write(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, p := range in.patches {
		if _, err := f.WriteAt(binary.LittleEndian.AppendUint32(nil, p.value), p.fileOffset); err != nil {
			return fmt.Errorf("mend %s: %w", path, err)
		}
	}
	return f.Close()
}

func inspect(path string, places []place) (inspection, error) {
	var in inspection
	lib, err := open386(path, elf.ET_DYN)
	if err != nil {
		return in, err
	}
	defer lib.Close()
	index, base, err := symbol(lib, textSymbol)
	if err != nil {
		return in, err
	}
	if int(index) >= len(lib.Sections) {
		return in, fmt.Errorf("symbol %s lies in no section", textSymbol)
	}
	text := lib.Sections[index]
	code, err := text.Data()
	if err != nil {
		return in, fmt.Errorf("read section %s: %w", text.Name, err)
	}
	got := lib.Section(".got.plt")
	if got == nil {
		return in, errors.New("no section .got.plt")
	}
	slots, err := tlsSlots(lib)
	if err != nil {
		return in, err
	}
	for _, p := range places {
		addr := base + p.offset
		off := addr - uint32(text.Addr)
		if off < opcodeBytes || uint64(off)+4 > uint64(len(code)) {
			return in, fmt.Errorf("place %s+%#x lies outside section %s", textSymbol, p.offset, text.Name)
		}
		if !bytes.Equal(code[off-opcodeBytes:off], p.opcode) {
			return in, fmt.Errorf("instruction at %s+%#x is not the one of the object: % x instead of % x", textSymbol, p.offset, code[off-opcodeBytes:off], p.opcode)
		}
		value := binary.LittleEndian.Uint32(code[off:])
		switch judge(value-p.addend, addr, uint32(got.Addr), slots) {
		case defect:
			in.defect++
			in.patches = append(in.patches, patch{int64(text.Offset) + int64(off), value + uint32(got.Addr) - addr})
		case composed:
			in.composed++
		default:
			return in, fmt.Errorf("place %s+%#x holds %#x, which leads to no TLS slot, with the linker's known defect or without", textSymbol, p.offset, value)
		}
	}
	return in, nil
}

// judge says what relative, the value of the place at address p without its
// addend, is relative to.
func judge(relative, p, got uint32, slots map[uint32]bool) state {
	wrong, right := slots[relative+got], slots[relative+p]
	switch {
	case wrong && right: // would need two slots exactly P - GOT apart
		return unknown
	case wrong:
		return defect
	case right:
		return composed
	}
	return unknown
}

// tlsSlots returns the addresses of the GOT entries that ld.so fills with the
// offset of a thread-local variable.
func tlsSlots(lib *elf.File) (map[uint32]bool, error) {
	slots := make(map[uint32]bool)
	for _, s := range lib.Sections {
		if s.Type != elf.SHT_REL || s.Flags&elf.SHF_ALLOC == 0 {
			continue
		}
		data, err := s.Data()
		if err != nil {
			return nil, fmt.Errorf("read section %s: %w", s.Name, err)
		}
		for ; len(data) >= 8; data = data[8:] {
			if elf.R_386(binary.LittleEndian.Uint32(data[4:])&0xff) == elf.R_386_TLS_TPOFF {
				slots[binary.LittleEndian.Uint32(data)] = true
			}
		}
	}
	if len(slots) == 0 {
		return nil, errors.New("no R_386_TLS_TPOFF relocation, so no TLS slot")
	}
	return slots, nil
}

func open386(path string, kind elf.Type) (*elf.File, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if f.Class != elf.ELFCLASS32 || f.Machine != elf.EM_386 || f.Type != kind {
		f.Close()
		return nil, fmt.Errorf("%s: is %v %v %v, not a 32-bit x86 file of type %v", path, f.Class, f.Machine, f.Type, kind)
	}
	return f, nil
}

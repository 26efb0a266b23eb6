package lldmend

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
)

// textSymbol marks the start of Go's machine code in both files.
const textSymbol = "runtime.text"

// place is one four-byte field with the composed pair of relocations.
type place struct {
	offset uint32 // from runtime.text
	addend uint32 // what stands there in the object
	opcode []byte // the bytes before it, to prove that it was found again
}

// opcodeBytes is how many bytes before a place are compared: opcode and ModRM.
const opcodeBytes = 2

// placesIn returns the composed pairs of Go's object file. It fails if any
// place of any section has a combination of relocations other than
// R_386_GOTPC followed by R_386_TLS_GOTIE.
func placesIn(obj *elf.File) ([]place, error) {
	textIndex, textValue, err := symbol(obj, textSymbol)
	if err != nil {
		return nil, err
	}
	var places []place
	for _, s := range obj.Sections {
		if s.Type == elf.SHT_RELA {
			return nil, fmt.Errorf("section %s has relocations with addends, which Go does not use on 386", s.Name)
		}
		if s.Type != elf.SHT_REL {
			continue
		}
		composed, err := pairs(s)
		if err != nil {
			return nil, err
		}
		if len(composed) == 0 {
			continue
		}
		if elf.SectionIndex(s.Info) != textIndex {
			return nil, fmt.Errorf("section %s has %d composed relocations outside the section of %s", s.Name, len(composed), textSymbol)
		}
		text, err := obj.Sections[s.Info].Data()
		if err != nil {
			return nil, fmt.Errorf("read section %s: %w", obj.Sections[s.Info].Name, err)
		}
		for _, off := range composed {
			if off < opcodeBytes || uint64(off)+4 > uint64(len(text)) || off < textValue {
				return nil, fmt.Errorf("relocation at %#x lies outside the code of section %s", off, s.Name)
			}
			places = append(places, place{
				offset: off - textValue,
				addend: binary.LittleEndian.Uint32(text[off:]),
				opcode: text[off-opcodeBytes : off],
			})
		}
	}
	return places, nil
}

// pairs returns the offsets in relocation section s that carry the known
// pair, and an error for any other offset that carries more than one.
func pairs(s *elf.Section) ([]uint32, error) {
	data, err := s.Data()
	if err != nil {
		return nil, fmt.Errorf("read section %s: %w", s.Name, err)
	}
	const size = 8 // sizeof(Elf32_Rel)
	if len(data)%size != 0 {
		return nil, fmt.Errorf("section %s has a size of %d, which is no multiple of %d", s.Name, len(data), size)
	}
	at := make(map[uint32][]elf.R_386, len(data)/size)
	var order []uint32
	for ; len(data) > 0; data = data[size:] {
		off := binary.LittleEndian.Uint32(data)
		if len(at[off]) == 1 {
			order = append(order, off)
		}
		at[off] = append(at[off], elf.R_386(binary.LittleEndian.Uint32(data[4:])&0xff))
	}
	for _, off := range order {
		if r := at[off]; len(r) != 2 || r[0] != elf.R_386_GOTPC || r[1] != elf.R_386_TLS_GOTIE {
			return nil, fmt.Errorf("section %s has an unknown combination of relocations at %#x: %v", s.Name, off, r)
		}
	}
	return order, nil
}

// symbol returns the section and the value of the symbol called name.
func symbol(f *elf.File, name string) (elf.SectionIndex, uint32, error) {
	symbols, err := f.Symbols()
	if err != nil {
		return 0, 0, fmt.Errorf("no symbol table (was the file stripped before it was mended?): %w", err)
	}
	for _, s := range symbols {
		if s.Name == name && s.Section != elf.SHN_UNDEF {
			return s.Section, uint32(s.Value), nil
		}
	}
	return 0, 0, fmt.Errorf("symbol %s not found", name)
}

package lldmend

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
)

// RefuseComposed fails if an object file has two relocations at one place, which
// LLD would not compose. It takes objects of any platform.
func RefuseComposed(objects ...string) error {
	for _, path := range objects {
		if err := refuseComposed(path); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

func refuseComposed(path string) error {
	obj, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer obj.Close()
	for _, s := range obj.Sections {
		size, ok := entrySizes[s.Type][obj.Class]
		if !ok {
			continue
		}
		data, err := s.Data()
		if err != nil {
			return fmt.Errorf("read section %s: %w", s.Name, err)
		}
		seen := make(map[uint64]bool, len(data)/size)
		for ; len(data) >= size; data = data[size:] {
			place := uint64(binary.LittleEndian.Uint32(data))
			if obj.Class == elf.ELFCLASS64 {
				place = binary.LittleEndian.Uint64(data)
			}
			if seen[place] {
				return fmt.Errorf("section %s has composed relocations at %#x, which LLD does not compose", s.Name, place)
			}
			seen[place] = true
		}
	}
	return nil
}

// entrySizes are the sizes of relocations, in bytes.
var entrySizes = map[elf.SectionType]map[elf.Class]int{
	elf.SHT_REL:  {elf.ELFCLASS32: 8, elf.ELFCLASS64: 16},
	elf.SHT_RELA: {elf.ELFCLASS32: 12, elf.ELFCLASS64: 24},
}

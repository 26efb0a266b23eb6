package audit

import (
	"debug/elf"
	"encoding/binary"
	"errors"
)

// versionTable says where the links of a chain of symbol versions are: each
// entry counts and points to its auxiliary entries and to the next entry. The
// fields are byte offsets in the entries; see the ELF gABI's GNU extensions.
type versionTable struct {
	section                          elf.SectionType
	entrySize, count, firstAux, next uint64
	auxSize, nextAux                 uint64
}

var versionTables = []versionTable{
	{elf.SHT_GNU_VERNEED, 16, 2, 8, 12, 16, 12},
	{elf.SHT_GNU_VERDEF, 20, 6, 12, 16, 8, 4},
}

// boundedVersions makes sure that no chain visits more entries than its section
// has room for. Package debug/elf follows chains that overlap and would take
// memory without end for a table made to do that.
func (l *library) boundedVersions() error {
	for _, t := range versionTables {
		section := l.SectionByType(t.section)
		if section == nil {
			continue
		}
		data, err := section.Data()
		if err != nil || !t.bounded(data) {
			return errors.New("is a damaged ELF file, build or copy it again: its table of symbol versions is not a chain")
		}
	}
	return nil
}

func (t versionTable) bounded(data []byte) bool {
	size := uint64(len(data))
	word := func(at uint64) uint64 { return uint64(binary.LittleEndian.Uint32(data[at:])) }
	var used uint64
	for entry := uint64(0); entry+t.entrySize <= size; {
		used += t.entrySize
		aux := entry + word(entry+t.firstAux)
		for range binary.LittleEndian.Uint16(data[entry+t.count:]) {
			if used += t.auxSize; used > size || aux+t.auxSize > size {
				return false
			}
			aux += word(aux + t.nextAux)
		}
		step := word(entry + t.next)
		if step == 0 {
			return used <= size
		}
		entry += step
	}
	return false
}

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
	entrySize, count, firstAux, next int
	auxSize, nextAux                 int
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
	word := func(at int) int { return int(binary.LittleEndian.Uint32(data[at:])) }
	used := 0
	for entry := 0; ; {
		if entry+t.entrySize > len(data) {
			return false
		}
		used += t.entrySize
		aux := entry + word(entry+t.firstAux)
		for range binary.LittleEndian.Uint16(data[entry+t.count:]) {
			if used += t.auxSize; used > len(data) || aux+t.auxSize > len(data) {
				return false
			}
			step := word(aux + t.nextAux)
			if step == 0 {
				break
			}
			aux += step
		}
		step := word(entry + t.next)
		if step == 0 {
			return used <= len(data)
		}
		entry += step
	}
}

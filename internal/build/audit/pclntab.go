package audit

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// pclntabMagic begins Go's table of functions since Go 1.20, for a processor
// with 1-byte instructions and 4-byte pointers: the magic, two zeros, 1, 4.
var pclntabMagic = []byte{0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 4}

// pclntabHeader is the magic and eight words; see runtime.pcHeader.
const pclntabHeader = 8 + 8*4

// maxTables bounds how much is read that only looks like a table. A library has
// one; what hides behind more is not guessed.
const maxTables = 16

// goFunctions lists every Go function in the library, inlined ones included:
// tracebacks need the names, so they survive stripping. External linkers put
// the table in the middle of a data section, where only its magic shows it.
func (l *library) goFunctions() (names []string, found bool, err error) {
	tables := 0
	for _, p := range l.Progs {
		if p.Type != elf.PT_LOAD {
			continue
		}
		data := l.data[p.Off : p.Off+p.Filesz]
		for {
			i := bytes.Index(data, pclntabMagic)
			if i < 0 {
				break
			}
			if text := functionNames(data[i:]); text != nil {
				if tables++; tables > maxTables {
					return nil, false, fmt.Errorf("read Go's functions: more than %d tables look like theirs", maxTables)
				}
				// Other data may look like a header; the runtime is always there.
				if some := strings.Split(string(text), "\x00"); slices.Contains(some, "runtime.goexit") {
					names, found = append(names, some...), true
				}
			}
			data = data[i+len(pclntabMagic):]
		}
	}
	return names, found, nil
}

// functionNames is the text with the names of a table that begins with the
// magic, or nil if what follows can't be a table.
func functionNames(table []byte) []byte {
	if len(table) < pclntabHeader {
		return nil
	}
	word := func(i int) uint64 { return uint64(binary.LittleEndian.Uint32(table[8+4*i:])) }
	count, begin, end := word(0), word(3), word(4)
	if count == 0 || begin < pclntabHeader || end <= begin || end > uint64(len(table)) {
		return nil
	}
	return table[begin:end]
}

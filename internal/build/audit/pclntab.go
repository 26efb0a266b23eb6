package audit

import (
	"bytes"
	"debug/elf"
	"fmt"
	"slices"
	"strings"
)

// pclntabMagic begins Go's table of functions since Go 1.20, for a processor
// with instructions of one byte and more: the magic, two zeros, 1, and the size
// of a pointer.
func (l *library) pclntabMagic() []byte {
	return []byte{0xf1, 0xff, 0xff, 0xff, 0, 0, 1, byte(l.platform.PointerSize)}
}

// pclntabHeader is the size of the magic and eight words; see runtime.pcHeader.
func (l *library) pclntabHeader() uint64 { return 8 + 8*uint64(l.platform.PointerSize) }

// maxTables bounds how much is read that only looks like a table. A library has
// one; what hides behind more is not guessed.
const maxTables = 16

// goFunctions lists every Go function in the library, inlined ones included:
// tracebacks need the names, so they survive stripping. External linkers put
// the table in the middle of a data section, where only its magic shows it.
func (l *library) goFunctions() (names []string, found bool, err error) {
	tables, magic := 0, l.pclntabMagic()
	for _, p := range l.Progs {
		if p.Type != elf.PT_LOAD {
			continue
		}
		data := l.data[p.Off : p.Off+p.Filesz]
		for {
			i := bytes.Index(data, magic)
			if i < 0 {
				break
			}
			if text := l.functionNames(data[i:]); text != nil {
				if tables++; tables > maxTables {
					return nil, false, fmt.Errorf("read Go's functions: more than %d tables look like theirs", maxTables)
				}
				// Other data may look like a header; the runtime is always there.
				if some := strings.Split(string(text), "\x00"); slices.Contains(some, "runtime.goexit") {
					names, found = append(names, some...), true
				}
			}
			data = data[i+len(magic):]
		}
	}
	return names, found, nil
}

// functionNames is the text with the names of a table that begins with the
// magic, or nil if what follows can't be a table.
func (l *library) functionNames(table []byte) []byte {
	header := l.pclntabHeader()
	if uint64(len(table)) < header {
		return nil
	}
	field := func(i int) uint64 { return l.word(table[8+i*l.platform.PointerSize:]) }
	count, begin, end := field(0), field(3), field(4)
	if count == 0 || begin < header || end <= begin || end > uint64(len(table)) {
		return nil
	}
	return table[begin:end]
}

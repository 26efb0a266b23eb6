package audit

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/avirkit/avirkit/internal/build/glibc"
)

// Types of notes whose owner is "GNU".
const (
	noteABITag  = 1
	noteBuildID = 3
)

// notes reads the build ID, and the oldest kernel that ld.so would load the file
// on. Linkers copy the kernel from crt1.o, so libraries seldom name one.
func (a *audit) notes() error {
	for _, p := range a.Progs {
		if p.Type != elf.PT_NOTE || p.Align > 4 {
			continue
		}
		eachNote(a.data[p.Off:p.Off+p.Filesz], func(kind uint32, desc []byte) {
			switch {
			case kind == noteBuildID:
				a.BuildID = hex.EncodeToString(desc)
			case kind == noteABITag && len(desc) >= 16:
				a.abiTag(desc)
			}
		})
	}
	if a.BuildID == "" {
		a.add("build-id", Warning, "has no build ID, by which debuggers find its debug information: link with -Wl,--build-id=sha1")
	}
	return nil
}

func (a *audit) abiTag(desc []byte) {
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(desc[4*i:]) }
	kernel := fmt.Sprintf("%d.%d.%d", word(1), word(2), word(3))
	if word(0) != 0 || glibc.Newer(kernel, a.platform.KernelFloor) {
		a.add("kernel-floor", Error, fmt.Sprintf("its .note.ABI-tag asks for a newer system than Linux %s: link with -shared, without the start files of programs", a.platform.KernelFloor),
			"Linux "+kernel)
	}
}

// eachNote calls visit for each note of owner GNU in a segment.
func eachNote(data []byte, visit func(kind uint32, desc []byte)) {
	for len(data) >= 12 {
		nameSize := uint64(binary.LittleEndian.Uint32(data))
		descSize := uint64(binary.LittleEndian.Uint32(data[4:]))
		kind := binary.LittleEndian.Uint32(data[8:])
		desc := 12 + align4(nameSize)
		end := desc + align4(descSize)
		if desc+descSize > uint64(len(data)) {
			return
		}
		if bytes.Equal(data[12:12+nameSize], []byte("GNU\x00")) {
			visit(kind, data[desc:desc+descSize])
		}
		data = data[min(end, uint64(len(data))):]
	}
}

func align4(n uint64) uint64 { return (n + 3) &^ 3 }

func isDebugSection(s *elf.Section) bool {
	return s.Type == elf.SHT_SYMTAB || strings.HasPrefix(s.Name, ".debug_") ||
		strings.HasPrefix(s.Name, ".zdebug_") || strings.HasPrefix(s.Name, ".stab")
}

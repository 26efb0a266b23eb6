package lldmend

import (
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Addresses of the made-up library.
const (
	textAddr = 0x2000
	gotAddr  = 0x8000
	slotAddr = gotAddr - 8 // in .got, just before .got.plt
)

// addends of the two places in the made-up object; their offsets follow below.
var addends = []uint32{2, 6}

var offsets = []uint32{0x12, 0x40}

// object returns Go's object: code with two places and their relocations.
func object(relocations ...uint32) []byte {
	code := make([]byte, 0x80)
	for i, off := range offsets {
		copy(code[off-2:], []byte{0x8b, 0x81 + byte(i)})
		binary.LittleEndian.PutUint32(code[off:], addends[i])
	}
	return elfFile(elf.ET_REL, code, 0, relocations, nil)
}

// pair is the relocations that Go's linker emits at off.
func pair(off uint32) []uint32 {
	return []uint32{off, uint32(elf.R_386_GOTPC), off, uint32(elf.R_386_TLS_GOTIE)}
}

func bothPairs() []uint32 { return append(pair(offsets[0]), pair(offsets[1])...) }

// library returns what a linker makes of object: relative says what the value
// of a place counts from.
func library(relative func(p uint32) uint32) []byte {
	code := make([]byte, 0x90)
	const shift = 0x10 // runtime.text is not at the start of the section
	for i, off := range offsets {
		at := off + shift
		copy(code[at-2:], []byte{0x8b, 0x81 + byte(i)})
		binary.LittleEndian.PutUint32(code[at:], slotAddr+addends[i]-relative(textAddr+at))
	}
	return elfFile(elf.ET_DYN, code, shift, nil, []uint32{slotAddr, uint32(elf.R_386_TLS_TPOFF)})
}

func fromGOT(uint32) uint32     { return gotAddr }
func fromPlace(p uint32) uint32 { return p }

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, data, 0o644))
	return path
}

func TestMendMakesTheDefectRight(t *testing.T) {
	lib := write(t, "lib.so", library(fromGOT))

	n, err := Mend(lib, write(t, "go.o", object(bothPairs()...)))

	require.NoError(t, err)
	assert.Equal(t, 2, n)
	mended, err := os.ReadFile(lib)
	require.NoError(t, err)
	assert.Equal(t, library(fromPlace), mended, "the result must be what a composing linker makes")
}

func TestMendLeavesAComposingLinkersOutputAlone(t *testing.T) {
	lib := write(t, "lib.so", library(fromPlace))

	n, err := Mend(lib, write(t, "go.o", object(bothPairs()...)))

	require.NoError(t, err)
	assert.Zero(t, n)
	after, err := os.ReadFile(lib)
	require.NoError(t, err)
	assert.Equal(t, library(fromPlace), after)
}

func TestMendRefusesWhatItDoesNotKnowAndWritesNothing(t *testing.T) {
	half := library(fromGOT)
	copy(half[findText(t, half)+0x10+0x12:], library(fromPlace)[findText(t, half)+0x10+0x12:][:4])
	otherCode := library(fromGOT)
	otherCode[findText(t, otherCode)+0x10+0x11] ^= 0xff
	noTLS := elfFile(elf.ET_DYN, make([]byte, 0x90), 0x10, nil, []uint32{slotAddr, uint32(elf.R_386_RELATIVE)})

	for name, c := range map[string]struct {
		lib, obj []byte
		want     string
	}{
		"GOTPC followed by GOT32": {
			library(fromGOT),
			object(offsets[0], uint32(elf.R_386_GOTPC), offsets[0], uint32(elf.R_386_GOT32)),
			"unknown combination of relocations at 0x12: [R_386_GOTPC R_386_GOT32]",
		},
		"the pair in the other order": {
			library(fromGOT),
			object(offsets[0], uint32(elf.R_386_TLS_GOTIE), offsets[0], uint32(elf.R_386_GOTPC)),
			"unknown combination of relocations",
		},
		"three relocations at one place": {
			library(fromGOT), object(append(pair(offsets[0]), offsets[0], uint32(elf.R_386_32))...),
			"unknown combination of relocations",
		},
		"an object without any pair":            {library(fromGOT), object(offsets[0], uint32(elf.R_386_32)), "no composed relocations"},
		"a place outside the code":              {library(fromGOT), object(pair(0x7e)...), "lies outside the code"},
		"a value that leads to no slot":         {library(func(p uint32) uint32 { return p + 4 }), object(bothPairs()...), "leads to no TLS slot"},
		"a library that is mended by half":      {half, object(bothPairs()...), "1 of 2 places are mended already"},
		"other code than the object's":          {otherCode, object(bothPairs()...), "is not the one of the object"},
		"a library without a TLS slot":          {noTLS, object(bothPairs()...), "no TLS slot"},
		"an object in the place of the library": {object(bothPairs()...), object(bothPairs()...), "not a 32-bit x86 file of type ET_DYN"},
		"something that is not ELF":             {[]byte("text"), object(bothPairs()...), "lib.so"},
	} {
		t.Run(name, func(t *testing.T) {
			lib := write(t, "lib.so", c.lib)

			_, err := Mend(lib, write(t, "go.o", c.obj))

			require.ErrorContains(t, err, c.want)
			after, err := os.ReadFile(lib)
			require.NoError(t, err)
			assert.Equal(t, c.lib, after)
		})
	}
}

func TestMendRefusesComposedRelocationsInCObjects(t *testing.T) {
	lib := write(t, "lib.so", library(fromGOT))
	good := write(t, "go.o", object(bothPairs()...))

	_, err := Mend(lib, good, write(t, "c.o", object(bothPairs()...)))
	require.ErrorContains(t, err, "which LLD does not compose")

	_, err = Mend(lib, good, write(t, "c.o", object(offsets[0], uint32(elf.R_386_GOTPC))))
	require.NoError(t, err)
}

func findText(t *testing.T, file []byte) int {
	t.Helper()
	path := write(t, "file", file)
	f, err := elf.Open(path)
	require.NoError(t, err)
	defer f.Close()
	return int(f.Section(".text").Offset)
}

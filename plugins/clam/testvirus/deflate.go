package testvirus

import (
	"hash/crc32"
	"math/bits"
)

// bitWriter collects bits, the lowest one of a value first, as RFC 1951 has
// them.
type bitWriter struct {
	out  []byte
	acc  uint32
	held int
}

func (w *bitWriter) put(v uint32, n int) {
	w.acc |= v << w.held
	for w.held += n; w.held >= 8; w.held -= 8 {
		w.out = append(w.out, byte(w.acc))
		w.acc >>= 8
	}
}

// begin starts the last block, with the fixed codes.
func (w *bitWriter) begin() { w.put(1|1<<1, 3) }

// end ends the block and fills the last byte.
func (w *bitWriter) end() []byte {
	w.put(0, 7) // end of block
	w.put(0, 7) // what is left over is padding
	return w.out
}

// literal codes a byte of ASCII. Codes stand highest bit first.
func (w *bitWriter) literal(b byte) { w.put(uint32(bits.Reverse8(b+0x30)), 8) }

// deflated is a member with ASCII text. It is coded here, as a compressor
// would store so short a text as it is, for every scanner to see.
func deflated(text []byte) member {
	var w bitWriter
	w.begin()
	for _, b := range text {
		w.literal(b)
	}
	return member{"test.com", 0, methodDeflated, crc32.ChecksumIEEE(text), len(text), w.end()}
}

// deflatedZeros is a member of n zeros and a few more: a literal, and copies
// of 258 bytes from one byte before.
func deflatedZeros(n int) member {
	const longest = 258
	var w bitWriter
	w.begin()
	w.literal(0)
	size := 1
	for ; size < n; size += longest {
		w.put(0xA3, 8) // length 258: the code 11000101, reversed
		w.put(0, 5)    // distance 1
	}
	sum, block := uint32(0), make([]byte, 4096)
	for left := size; left > 0; left -= len(block) {
		sum = crc32.Update(sum, crc32.IEEETable, block[:min(left, len(block))])
	}
	return member{"zeros", 0, methodDeflated, sum, size, w.end()}
}

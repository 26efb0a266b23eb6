package clamd

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

// eicar is the standard antivirus test file. It is put together at run time,
// for neither this source nor the library made from it should be taken for a
// virus.
func eicar() []byte {
	return []byte(`X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-` + eicarEnd)
}

// eicarEnd is a variable so that the compiler doesn't join the two halves.
var eicarEnd = `STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`

// zipFile is a zip archive with one member, in the parts between which there
// may be a gap: readers find the directory from the end.
type zipFile struct {
	member    []byte // local header and data, at offset 0
	directory []byte // central directory and its end record, at the end
	size      int64  // of the whole archive
}

// zipKind says what is in the archive.
type zipKind int

const (
	plainZip     zipKind = iota
	encryptedZip         // noise that calls itself encrypted
	nestedZip            // an archive in an archive, more often than a scanner follows
)

// nesting is how deep nestedZip goes. clamd's MaxRecursion is 17.
const nesting = 40

// Compression methods.
const (
	stored   = 0
	deflated = 8
)

// makeZip packs content, compressed so that its bytes don't stand in the
// archive as they are. The archive has size bytes, or as few as it takes if
// that is 0.
func makeZip(kind zipKind, content []byte, size int64) zipFile {
	data := deflate(content)
	switch kind {
	case encryptedZip:
		// Twelve bytes of key check come before the data.
		data = append([]byte("\x8e\x13\x5a\xc7\x21\xf9\x04\xb6\x6d\x90\x3f\xe8"), data...)
		return packZip(1, deflated, content, data, size)
	case nestedZip:
		z := packZip(0, deflated, content, data, 0)
		for range nesting {
			inner := append(z.member, z.directory...)
			z = packZip(0, stored, inner, inner, 0)
		}
		return z
	}
	return packZip(0, deflated, content, data, size)
}

// packZip puts headers around data, which is content packed by method.
func packZip(flags, method uint16, content, data []byte, size int64) zipFile {
	const name = "test.com"
	le := binary.LittleEndian
	header := func(b []byte) []byte { // what both headers share
		b = le.AppendUint16(b, 20) // version needed
		b = le.AppendUint16(b, flags)
		b = le.AppendUint16(b, method)
		b = le.AppendUint32(b, 0x21<<16) // 1980-01-01 00:00
		b = le.AppendUint32(b, crc32.ChecksumIEEE(content))
		b = le.AppendUint32(b, uint32(len(data)))
		b = le.AppendUint32(b, uint32(len(content)))
		b = le.AppendUint16(b, uint16(len(name)))
		return le.AppendUint16(b, 0) // no extra field
	}
	var z zipFile
	z.member = append(header([]byte("PK\x03\x04")), name...)
	z.member = append(z.member, data...)
	d := header([]byte("PK\x01\x02\x14\x00"))
	d = append(d, make([]byte, 14)...) // no comment, first disk, no attributes, member at 0
	d = append(d, name...)
	entry := len(d)
	const endRecord = 22
	z.size = max(size, int64(len(z.member)+entry+endRecord))
	d = append(d, "PK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00"...)
	d = le.AppendUint32(d, uint32(entry))
	d = le.AppendUint32(d, uint32(z.size-int64(entry+endRecord)))
	z.directory = le.AppendUint16(d, 0)
	return z
}

// deflate codes content, which must be ASCII, as one block with the fixed
// codes of RFC 1951. A compressor would store so short a text as it is.
func deflate(content []byte) []byte {
	var (
		out  []byte
		acc  uint32
		held int
	)
	put := func(v uint32, n int) { // lowest bit first
		acc |= v << held
		for held += n; held >= 8; held -= 8 {
			out = append(out, byte(acc))
			acc >>= 8
		}
	}
	put(1|1<<1, 3) // the last block, fixed codes
	for _, b := range content {
		put(uint32(bits.Reverse8(b+0x30)), 8) // codes of literals stand highest bit first
	}
	put(0, 7)  // end of block
	put(0, 7)  // up to the next whole byte
	return out // what is still held is padding
}

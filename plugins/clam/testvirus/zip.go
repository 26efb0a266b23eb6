package testvirus

import (
	"encoding/binary"
	"hash/crc32"
)

// Zip is an archive in two parts. There may be a gap of zeros between them,
// as a reader finds the directory from the end.
type Zip struct {
	Head []byte // the members, at offset 0
	Tail []byte // the central directory and its end record, at the end
	Size int64  // of the whole archive
}

// Bytes returns the whole archive.
func (z Zip) Bytes() []byte {
	b := make([]byte, z.Size)
	copy(b, z.Head)
	copy(b[z.Size-int64(len(z.Tail)):], z.Tail)
	return b
}

// Plain is an archive with the test virus, of size bytes, or as small as it
// can be if that is 0.
func Plain(size int64) Zip { return pack(size, deflated(EICAR())) }

// Roomy is an archive whose first member unpacks to the given number of bytes.
// The test virus comes after it, so that only a scanner with room for the
// first member gets there.
func Roomy(unpacked int) Zip {
	return pack(0, deflatedZeros(unpacked), deflated(EICAR()))
}

// Encrypted is an archive with a member that calls itself encrypted.
func Encrypted() Zip {
	m := deflated(EICAR())
	m.flags = 1
	// Twelve bytes of key check come before the data.
	m.data = append([]byte("\x8e\x13\x5a\xc7\x21\xf9\x04\xb6\x6d\x90\x3f\xe8"), m.data...)
	return pack(0, m)
}

// Nested is an archive in an archive, forty times, with the test virus
// innermost. clamd's MaxRecursion is 17.
func Nested() Zip {
	z := Plain(0)
	for range 40 {
		z = pack(0, stored(z.Bytes()))
	}
	return z
}

// Methods of compression.
const (
	methodStored   = 0
	methodDeflated = 8
)

// member is one file in an archive.
type member struct {
	name   string
	flags  uint16
	method uint16
	sum    uint32 // CRC-32 of what it unpacks to
	size   int    // of what it unpacks to
	data   []byte
}

func stored(content []byte) member {
	return member{"test.zip", 0, methodStored, crc32.ChecksumIEEE(content), len(content), content}
}

// header appends what the two headers of a member have in common.
func (m member) header(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint16(b, 20) // version needed
	b = le.AppendUint16(b, m.flags)
	b = le.AppendUint16(b, m.method)
	b = le.AppendUint32(b, 0x21<<16) // 1980-01-01 00:00
	b = le.AppendUint32(b, m.sum)
	b = le.AppendUint32(b, uint32(len(m.data)))
	b = le.AppendUint32(b, uint32(m.size))
	b = le.AppendUint16(b, uint16(len(m.name)))
	return le.AppendUint16(b, 0) // no extra field
}

// pack makes an archive of size bytes, or as small as it can be if that is 0.
func pack(size int64, members ...member) (z Zip) {
	const endRecord = 22
	le := binary.LittleEndian
	for _, m := range members {
		z.Tail = m.header(append(z.Tail, "PK\x01\x02\x14\x00"...))
		z.Tail = append(z.Tail, make([]byte, 10)...) // no comment, first disk, no attributes
		z.Tail = le.AppendUint32(z.Tail, uint32(len(z.Head)))
		z.Tail = append(z.Tail, m.name...)
		z.Head = m.header(append(z.Head, "PK\x03\x04"...))
		z.Head = append(append(z.Head, m.name...), m.data...)
	}
	directory := len(z.Tail)
	z.Size = max(size, int64(len(z.Head)+directory+endRecord))
	z.Tail = append(z.Tail, "PK\x05\x06\x00\x00\x00\x00"...)
	z.Tail = le.AppendUint16(z.Tail, uint16(len(members)))
	z.Tail = le.AppendUint16(z.Tail, uint16(len(members)))
	z.Tail = le.AppendUint32(z.Tail, uint32(directory))
	z.Tail = le.AppendUint32(z.Tail, uint32(z.Size-int64(directory+endRecord)))
	z.Tail = le.AppendUint16(z.Tail, 0) // no comment
	return z
}

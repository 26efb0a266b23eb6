package samples

import (
	"encoding/binary"
	"hash/crc32"
)

// Fixed, so that the archives are the same every time: 2008-01-01 00:00.
const (
	zipTime = 0
	zipDate = (2008-1980)<<9 | 1<<5 | 1
)

// storedZip makes a zip archive with one stored file. With a password the file
// is encrypted with the traditional cipher, the only one that every program
// knows, and its sizes follow in a data descriptor as the common tools write it.
func storedZip(name string, data, password []byte) []byte {
	crc := crc32.ChecksumIEEE(data)
	version, flags, stored := uint16(10), uint16(0), data
	var descriptor []byte
	if password != nil {
		version, flags = 20, 1<<0|1<<3
		// With a data descriptor the check byte is the time's, not the CRC's.
		stored = zipCrypt(data, password, zipTime>>8)
		descriptor = little([]byte("PK\x07\x08"), crc, uint32(len(stored)), uint32(len(data)))
	}
	common := little(nil, version, flags, uint16(0), uint16(zipTime), uint16(zipDate))
	sizes := little(nil, crc, uint32(len(stored)), uint32(len(data)), uint16(len(name)), uint16(0))

	local := append([]byte("PK\x03\x04"), common...)
	if password == nil {
		local = append(local, sizes...)
	} else {
		local = little(local, uint32(0), uint32(0), uint32(0), uint16(len(name)), uint16(0))
	}
	local = append(append(append(local, name...), stored...), descriptor...)

	central := little([]byte("PK\x01\x02"), version)
	central = append(append(central, common...), sizes...)
	// No comment, disk 0, no attributes, local header at 0.
	central = little(central, uint16(0), uint16(0), uint16(0), uint32(0), uint32(0))
	central = append(central, name...)

	end := little([]byte("PK\x05\x06"), uint16(0), uint16(0), uint16(1), uint16(1),
		uint32(len(central)), uint32(len(local)), uint16(0))
	return append(append(local, central...), end...)
}

// little appends values in little-endian order.
func little(to []byte, values ...any) []byte {
	for _, v := range values {
		switch v := v.(type) {
		case uint16:
			to = binary.LittleEndian.AppendUint16(to, v)
		case uint32:
			to = binary.LittleEndian.AppendUint32(to, v)
		}
	}
	return to
}

// password is in no list that an antivirus tries.
func password() []byte { return []byte("q7#Vd-not-in-any-list-0xB4") }

// zipCrypt encrypts with PKWARE's traditional cipher (APPNOTE.TXT 6.1). It is
// weak and known to be; here it only has to make the file unreadable.
func zipCrypt(data, password []byte, check byte) []byte {
	k := zipKeys{0x12345678, 0x23456789, 0x34567890}
	for _, b := range password {
		k.update(b)
	}
	// Eleven bytes that should be random, and one by which a program checks
	// the password.
	plain := append([]byte("avirkit sam"), check)
	plain = append(plain, data...)
	out := make([]byte, len(plain))
	for i, b := range plain {
		out[i] = b ^ k.stream()
		k.update(b)
	}
	return out
}

type zipKeys [3]uint32

func (k *zipKeys) update(b byte) {
	k[0] = crcByte(k[0], b)
	k[1] = (k[1]+k[0]&0xFF)*134775813 + 1
	k[2] = crcByte(k[2], byte(k[1]>>24))
}

func (k *zipKeys) stream() byte {
	t := k[2] | 2
	return byte(t * (t ^ 1) >> 8)
}

func crcByte(crc uint32, b byte) uint32 {
	return crc32.IEEETable[byte(crc)^b] ^ crc>>8
}

package clamd

import (
	"encoding/binary"
	"syscall"
)

// fildes gives clamd the descriptor of a file and returns its reply. Command,
// dummy byte and descriptor go in one message. The caller opened the file for
// reading and checked that it is a regular one: clamd answers OK for a
// descriptor that it can't read.
func (x *exchange) fildes(fd int, buf []byte) (reply, error) {
	p := append(x.command(buf[:0], "FILDES"), 0)
	// The kernel wants an int in the machine's byte order after the header.
	binary.NativeEndian.PutUint32(x.oob[syscall.CmsgLen(0):], uint32(fd))
	if err := x.send(p, x.oob); err != nil {
		return reply{}, err
	}
	return x.receive(x.lastID)
}

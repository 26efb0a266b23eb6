package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"
)

// ErrChanged says that a file has not as many bytes as it had.
var ErrChanged = errors.New("the file changed while it was scanned")

// Fildes gives clamd the descriptor of a file and returns its reply. Command,
// dummy byte and descriptor go in one message. The caller made sure that the
// file is a regular one and can be read: clamd answers OK for what it can't
// read.
func (s *Session) Fildes(w *Wait, fd int, b *Buffer) (Reply, error) {
	p := append(s.begin(b[:0], "FILDES"), 0)
	// The kernel wants an int in the machine's byte order after the header.
	binary.NativeEndian.PutUint32(s.oob[syscall.CmsgLen(0):], uint32(fd))
	if err := s.send(w, p, s.oob); err != nil {
		w.end()
		return Reply{}, err
	}
	return s.receive(w, s.lastID)
}

// Instream sends a file of size bytes as a stream and returns clamd's reply. A
// chunk announces the bytes that were read, not the ones that should be
// there: a file that shrinks or grows can't shift what clamd takes for a
// length. A file that fits the buffer goes in one write with its command.
func (s *Session) Instream(w *Wait, fd int, size int64, b *Buffer) (Reply, error) {
	defer w.end()
	var room [dataAt]byte
	command := s.begin(room[:0], "INSTREAM")
	id := s.lastID
	for sent := int64(0); ; command = nil {
		n, err := b.next(fd, sent, size-sent)
		if err != nil {
			return Reply{}, err
		}
		sent += int64(n)
		last := n < chunk
		if sent > size || last && sent < size {
			return Reply{}, fmt.Errorf("%w: it had %d bytes", ErrChanged, size)
		}
		if err := s.sendChunk(w, b, command, n, last); err != nil {
			return Reply{}, err
		}
		if last || s.early {
			return s.receive(w, id)
		}
	}
}

// sendChunk sends n bytes that next has read, after the command, and after the
// last chunk the end of the stream: a length of zero.
func (s *Session) sendChunk(w *Wait, b *Buffer, command []byte, n int, last bool) error {
	const lengthAt = dataAt - 4
	begin, end := lengthAt-len(command), dataAt+n
	copy(b[begin:], command)
	binary.BigEndian.PutUint32(b[lengthAt:], uint32(n))
	if last && n > 0 {
		end += copy(b[end:], "\x00\x00\x00\x00")
	}
	return s.send(w, b[begin:end], nil)
}

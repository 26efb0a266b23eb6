package clamd

import "encoding/binary"

const (
	// chunk is how much of a file is read and sent at once.
	chunk = 128 << 10

	// headRoom is for "zIDSESSION", "zINSTREAM" and the chunk's length.
	headRoom = 32

	// tailRoom is for the zero length that ends a stream.
	tailRoom = 4

	bufferSize = headRoom + chunk + tailRoom
)

// instream sends a file of size bytes as a stream and returns clamd's reply.
// A chunk announces the bytes that have been read, not the ones that should
// be there: a file that shrinks or grows can't shift what clamd takes for a
// length. buf has bufferSize bytes; a file that fits goes in one write.
func (x *exchange) instream(fd int, size int64, buf []byte) (reply, error) {
	head := len(x.command(buf[:0], "INSTREAM"))
	id := x.lastID
	for sent := int64(0); ; head = 0 {
		// One byte more than should be left tells whether the file grew.
		n, err := readAt(fd, buf[head+4:head+4+int(min(chunk, size-sent+1))], sent)
		if err != nil {
			return reply{}, err
		}
		sent += int64(n)
		end := head
		if n > 0 {
			binary.BigEndian.PutUint32(buf[head:], uint32(n))
			end += 4 + n
		}
		last := n < chunk
		if sent > size || last && sent < size {
			return reply{}, errChanged
		}
		if last {
			end += copy(buf[end:end+4], "\x00\x00\x00\x00")
		}
		if err := x.send(buf[:end], nil); err != nil {
			return reply{}, err
		}
		if last || x.early {
			return x.receive(id)
		}
	}
}

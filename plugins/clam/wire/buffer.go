package wire

import (
	"fmt"
	"syscall"
)

const (
	// chunk is how much of a file is read and sent at once.
	chunk = 128 << 10

	// dataAt is where a chunk stands in the buffer, after room for "zIDSESSION",
	// "zINSTREAM" and the chunk's length. A multiple of 64: some processors copy a
	// page to an address that lies 1 to 15 bytes after its own, modulo a page, at
	// an eighth of their speed.
	dataAt = 64

	// tailRoom is for the zero length that ends a stream.
	tailRoom = 4
)

// Buffer is the memory that one thread sends files through.
type Buffer [dataAt + chunk + tailRoom]byte

// next reads up to a chunk of what comes at offset off of a file, left bytes
// and one more that tells whether the file grew, to dataAt. It returns less
// than a chunk only at the file's end. Reading and sending is faster than to
// splice, at some more processor time, and what was sent can't change anymore.
func (b *Buffer) next(fd int, off, left int64) (int, error) {
	return readAt(fd, b[dataAt:dataAt+min(chunk, left+1)], int(min(chunk, left)), off)
}

// ReadAt fills p from a file's offset off. It returns less only at the end of
// the file.
func ReadAt(fd int, p []byte, off int64) (n int, err error) { return readAt(fd, p, len(p), off) }

// readAt reads up to len(p) bytes, but asks for no more once it has enough.
func readAt(fd int, p []byte, enough int, off int64) (n int, err error) {
	for {
		m, err := syscall.Pread(fd, p[n:], off+int64(n))
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return n, fmt.Errorf("read: %w", err)
		}
		if n += m; m == 0 || n >= enough {
			return n, nil
		}
	}
}

// readAtOnce bounds how long one system call of CheckReadable takes.
const readAtOnce = 8 << 20

// CheckReadable makes sure that all of a file's size bytes can be read now,
// and brings them into memory, where clamd finds them. What doesn't fit the
// buffer goes to nowhere without a copy.
func (b *Buffer) CheckReadable(w *Wait, fd int, size int64) error {
	null, err := -1, error(syscall.ENOSYS)
	if size > int64(len(b)) {
		if null, err = syscall.Open("/dev/null", syscall.O_WRONLY|syscall.O_CLOEXEC, 0); err == nil {
			defer syscall.Close(null)
		}
	}
	for off := int64(0); off < size; {
		if err := w.err(); err != nil {
			return err
		}
		var n int
		if err == nil {
			from := off
			n, err = syscall.Sendfile(null, fd, &from, int(min(size-off, readAtOnce)))
			if err == syscall.EINTR {
				err = nil
				continue
			}
		}
		if err != nil {
			// Not on every kernel and file system; and reading tells why not.
			var failed error
			if n, failed = ReadAt(fd, b[:min(int64(len(b)), size-off)], off); failed != nil {
				return failed
			}
		}
		if n == 0 {
			return fmt.Errorf("%w: it ends after %d of %d bytes", ErrChanged, off, size)
		}
		off += int64(n)
	}
	return nil
}

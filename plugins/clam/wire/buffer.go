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

	// pipeSize is what a pipe is asked to hold. The kernel lets a user have
	// 64 MB of pipes; what is over that holds one page, and works.
	pipeSize = 256 << 10
)

// Buffer is what one thread sends files through: memory, and for larger files
// over TCP a pipe, through which pages go from the file to the socket without
// a copy. It belongs to one goroutine.
type Buffer struct {
	bytes []byte
	in    int // the pipe; 0 if there is none
	out   int
	held  int  // bytes in the pipe
	never bool // it is not allowed to splice, or the kernel or file system can't
}

// NewBuffer makes a buffer, which its owner closes. splice says that SIGPIPE
// does no harm on the threads that use it.
func NewBuffer(splice bool) *Buffer {
	return &Buffer{bytes: make([]byte, dataAt+chunk+tailRoom), never: !splice}
}

// Close frees the pipe. The buffer can be used again.
func (b *Buffer) Close() { b.dropPipe() }

// next reads what comes at offset off of a file, left bytes and one more that
// tells whether the file grew, to dataAt in the buffer, or into the pipe where
// that is allowed and worth it. It returns 0 at the file's end only, and less
// than a chunk into the buffer only before it.
func (b *Buffer) next(fd int, off, left int64, mayPipe bool) (n int, spliced bool, err error) {
	if mayPipe && !b.never && left >= chunk && b.openPipe() {
		for {
			from := off
			m, err := syscall.Splice(fd, &from, b.in, nil, int(min(left+1, pipeSize)), 0)
			if err == syscall.EINTR {
				continue
			}
			if err == nil && m > 0 {
				b.held = int(m)
				return int(m), true, nil
			}
			// Reading tells why not, or that it is only this way that fails.
			b.never = err == syscall.EINVAL || err == syscall.ENOSYS
			break
		}
	}
	n, err = readAt(fd, b.bytes[dataAt:dataAt+int(min(chunk, left+1))], int(min(chunk, left)), off)
	return n, false, err
}

// spliceTo moves a part of what is in the pipe to a socket.
func (b *Buffer) spliceTo(socket int) (int, error) {
	m, err := syscall.Splice(b.out, nil, socket, nil, b.held, 0)
	n := int(m)
	if err == nil && n == 0 { // the pipe lost something: no stream can go on
		return 0, syscall.EIO
	}
	b.held -= max(n, 0)
	return n, err
}

func (b *Buffer) openPipe() bool {
	if b.in != 0 {
		return true
	}
	var p [2]int
	if syscall.Pipe2(p[:], syscall.O_CLOEXEC) != nil {
		return false
	}
	b.out, b.in, b.held = p[0], p[1], 0
	const setPipeSize = 1031 // F_SETPIPE_SZ, since Linux 2.6.35; without it 64 KiB
	_, _, _ = syscall.Syscall(syscall.SYS_FCNTL, uintptr(b.in), setPipeSize, pipeSize)
	return true
}

func (b *Buffer) dropPipe() {
	if b.in != 0 {
		_ = syscall.Close(b.in)
		_ = syscall.Close(b.out)
		b.in, b.out = 0, 0
	}
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
	if size > int64(len(b.bytes)) {
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
			if n, failed = ReadAt(fd, b.bytes[:min(int64(len(b.bytes)), size-off)], off); failed != nil {
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

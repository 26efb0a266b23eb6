package clamd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// noDescriptorText is clamd's word for a FILDES that came without its
// descriptor, as when a security module keeps it from clamd.
const noDescriptorText = "No file descriptor received."

// errNoDescriptor says that clamd was not given the file's descriptor.
var errNoDescriptor = errors.New("clamd received no descriptor")

// fildes gives clamd the descriptor of a file and returns its reply. Command,
// dummy byte and descriptor go in one message. The caller made sure that the file
// is a regular one and can be read: clamd answers OK for what it can't read.
func (x *exchange) fildes(fd int, buf []byte) (reply, error) {
	p := append(x.command(buf[:0], "FILDES"), 0)
	// The kernel wants an int in the machine's byte order after the header.
	binary.NativeEndian.PutUint32(x.oob[syscall.CmsgLen(0):], uint32(fd))
	if err := x.send(p, x.oob); err != nil {
		return reply{}, err
	}
	return x.receive(x.lastID)
}

// readAtOnce bounds how long one system call of readable takes.
const readAtOnce = 8 << 20

// readable makes sure that all of a file's size bytes can be read now, and
// brings them into memory, where clamd finds them. What doesn't fit buf goes
// to nowhere without a copy.
func readable(stop stopper, fd int, size int64, buf []byte, deadline time.Time) error {
	null, err := -1, error(syscall.ENOSYS)
	if size > int64(len(buf)) {
		if null, err = syscall.Open("/dev/null", syscall.O_WRONLY|syscall.O_CLOEXEC, 0); err == nil {
			defer closeFile(null)
		}
	}
	for off := int64(0); off < size; {
		if err := stop.err(); err != nil {
			return err
		}
		if !time.Now().Before(deadline) {
			return errDeadline
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
			if n, failed = readAt(fd, buf[:min(int64(len(buf)), size-off)], off); failed != nil {
				return failed
			}
		}
		if n == 0 {
			return fmt.Errorf("%w: it ends after %d of %d bytes", errChanged, off, size)
		}
		off += int64(n)
	}
	return nil
}

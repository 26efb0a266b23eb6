package clamd

import (
	"errors"
	"fmt"
	"syscall"
)

// errChanged says that a file was written to while it was scanned, so that no
// verdict holds for what it is now.
var errChanged = errors.New("the file changed while it was scanned")

// fileState is what tells that a file was written to. Its ctime would do so
// too, and change as well when it is renamed or its mode is set.
type fileState struct {
	size    int64
	written syscall.Timespec
}

// openFile opens a regular file and returns its descriptor, which the caller
// closes, and its state. Opening never waits, so that a FIFO is refused like a
// folder or a device.
func openFile(path string) (fd int, state fileState, err error) {
	const flags = syscall.O_RDONLY | syscall.O_NONBLOCK | syscall.O_CLOEXEC | syscall.O_NOCTTY
	for {
		fd, err = syscall.Open(path, flags, 0)
		if err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		return -1, state, fmt.Errorf("open: %w", err)
	}
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		_ = syscall.Close(fd)
		return -1, state, fmt.Errorf("stat: %w", err)
	}
	if st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		_ = syscall.Close(fd)
		return -1, state, errors.New("not a regular file")
	}
	return fd, fileState{st.Size, st.Mtim}, nil
}

// readAt fills p from the file's offset off. It returns less only at the end
// of the file.
func readAt(fd int, p []byte, off int64) (n int, err error) {
	for n < len(p) {
		m, err := syscall.Pread(fd, p[n:], off+int64(n))
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return n, fmt.Errorf("read: %w", err)
		}
		if m == 0 {
			break
		}
		n += m
	}
	return n, nil
}

// unchanged returns errChanged if the file was written to since it was opened.
func (s fileState) unchanged(fd int) error {
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return fmt.Errorf("stat: %w", err)
	}
	if st.Size != s.size {
		return fmt.Errorf("%w: from %d to %d bytes", errChanged, s.size, st.Size)
	}
	if st.Mtim != s.written {
		return errChanged
	}
	return nil
}

func closeFile(fd int) { _ = syscall.Close(fd) }

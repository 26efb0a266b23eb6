package clamd

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/avirkit/avirkit/plugins/clam/wire"
)

// errTouched says that a file's ctime has changed and nothing else. That is so
// when it was renamed or its mode was set, and also when it was written to and
// its other times were put back.
var errTouched = fmt.Errorf("%w, or something about it did", wire.ErrChanged)

// fileState is what tells that a file was written to.
type fileState struct {
	size    int64
	written syscall.Timespec
	changed syscall.Timespec
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
	if state, err = stateOf(fd); err != nil {
		closeFile(fd)
		return -1, state, err
	}
	return fd, state, nil
}

// stateOf is the state of an open file, which must be a regular one.
func stateOf(fd int) (fileState, error) {
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return fileState{}, fmt.Errorf("stat: %w", err)
	}
	if st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return fileState{}, errors.New("not a regular file")
	}
	return fileState{st.Size, st.Mtim, st.Ctim}, nil
}

// unchanged returns wire.ErrChanged if the file was written to since it had
// this state, and errTouched if that can't be told.
func (s fileState) unchanged(fd int) error {
	now, err := stateOf(fd)
	switch {
	case err != nil:
		return err
	case now.size != s.size:
		return fmt.Errorf("%w: from %d to %d bytes", wire.ErrChanged, s.size, now.size)
	case now.written != s.written:
		return wire.ErrChanged
	case now.changed != s.changed:
		return errTouched
	}
	return nil
}

func closeFile(fd int) { _ = syscall.Close(fd) }

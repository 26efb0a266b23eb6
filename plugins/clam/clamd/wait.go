package clamd

import (
	"context"
	"errors"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// Events of poll(2), which package syscall doesn't name.
const (
	pollIn  int16 = 0x1
	pollOut int16 = 0x4
)

// slice is the longest time that a wait is deaf to the end of its context or
// of the client. Waking up ten times a second costs nothing next to a scan,
// while a goroutine or a registration for each scan would cost every scan.
const slice = 100 * time.Millisecond

// errTimeout says that a wait reached its own bound, which needn't be the
// scan's deadline.
var errTimeout = errors.New("timed out")

// stopper is what can end a wait before its time.
type stopper struct {
	ctx    context.Context
	closed *atomic.Bool // the client's
}

// err tells whether to stop: errClosed, errDeadline, the context's error, or
// nil.
func (s stopper) err() error {
	if s.closed.Load() {
		return errClosed
	}
	err := s.ctx.Err()
	if err == context.DeadlineExceeded {
		return errDeadline
	}
	return err
}

// pollFd is struct pollfd.
type pollFd struct {
	fd      int32
	events  int16
	revents int16
}

// poll waits until fd has one of events, an error or a hang-up. It returns
// errTimeout at the time until, or the stopper's reason.
func (s stopper) poll(fd int, events int16, until time.Time) (revents int16, err error) {
	for {
		if err := s.err(); err != nil {
			return 0, err
		}
		left := time.Until(until)
		if left <= 0 {
			return 0, errTimeout
		}
		revents, err = pollFor(fd, events, min(left, slice))
		if revents != 0 || err != nil && err != syscall.EINTR {
			return revents, err
		}
	}
}

// pollFor is poll(2) on one descriptor. It returns no event when the time is
// over.
func pollFor(fd int, events int16, wait time.Duration) (revents int16, err error) {
	p := pollFd{fd: int32(fd), events: events}
	ts := syscall.NsecToTimespec(int64(wait))
	// ppoll, as not every architecture has poll. Both structures live on this
	// stack for the whole call.
	_, _, errno := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1,
		uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return p.revents, nil
}

// sleep waits until the given time or the stopper's reason.
func (s stopper) sleep(until time.Time) error {
	for {
		if err := s.err(); err != nil {
			return err
		}
		left := time.Until(until)
		if left <= 0 {
			return nil
		}
		time.Sleep(min(left, slice))
	}
}

package wire

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
	"unsafe"
)

var (
	// ErrLost wraps every way in which a session can end before the reply.
	// The scan can be repeated elsewhere.
	ErrLost = errors.New("connection lost")

	// ErrSilent says that a server was given up though its connection stands.
	ErrSilent = fmt.Errorf("%w: no sign of life", ErrLost)

	// ErrDeadline says that the time of the whole scan is over.
	ErrDeadline = errors.New("no answer before the scan's deadline")

	// ErrForeign says that what answers does not speak clamd's protocol.
	ErrForeign = fmt.Errorf("%w: this is not what clamd says", ErrLost)

	// ErrEndless says that a reply has no end. The scan is not repeated.
	ErrEndless = errors.New("a reply of clamd is shorter than that; is something else there?")
)

// errTimeout says that a wait reached its own bound.
var errTimeout = errors.New("timed out")

// slice is how long one system call waits before the end of the context is
// watched. A scan that takes longer can afford the goroutine for that.
const slice = time.Second

// Wait bounds what a session does for one scan or test.
type Wait struct {
	Ctx      context.Context
	Deadline time.Time     // of all of it
	Silence  time.Duration // a server that gives no sign of life for so long is given up
	Ping     time.Duration // between PINGs, well inside clamd's ReadTimeout

	unwatch func() bool // not nil: the end of Ctx interrupts the session
}

// err tells whether to stop.
func (w *Wait) err() error {
	if err := w.Ctx.Err(); err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return ErrDeadline
		}
		return err
	}
	if !time.Now().Before(w.Deadline) {
		return ErrDeadline
	}
	return nil
}

// watch makes the end of the context interrupt the session until end.
func (w *Wait) watch(s *Session) {
	if w.unwatch == nil {
		w.unwatch = context.AfterFunc(w.Ctx, s.Interrupt)
	}
}

func (w *Wait) end() {
	if w.unwatch != nil {
		w.unwatch()
		w.unwatch = nil
	}
}

// Events of poll(2), which package syscall doesn't name.
const (
	pollIn  int16 = 0x1
	pollOut int16 = 0x4
)

// pollFd is struct pollfd.
type pollFd struct {
	fd      int32
	events  int16
	revents int16
}

// poll waits until fd has one of events, an error or a hang-up. It returns no
// event when the time is over or a signal came.
func poll(fd int, events int16, wait time.Duration) (revents int16, err error) {
	p := pollFd{fd: int32(fd), events: events}
	ts := syscall.NsecToTimespec(int64(max(wait, 0)))
	// ppoll, as not every architecture has poll. Both structures live on this
	// stack for the whole call.
	_, _, errno := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1,
		uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	if errno != 0 && errno != syscall.EINTR {
		return 0, errno
	}
	return p.revents, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

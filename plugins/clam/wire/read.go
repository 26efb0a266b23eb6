package wire

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"
)

// take returns the next whole reply that has been read.
func (s *Session) take() (r Reply, ok bool, err error) {
	r, n := nextReply(s.in[:s.n])
	if n > 0 {
		s.n = copy(s.in[:], s.in[n:s.n])
		return r, true, nil
	}
	if s.n == maxReply {
		return r, false, fmt.Errorf("%w: it began with %q", ErrEndless, s.said())
	}
	// clamd's lines end in NUL, those of mail and web servers don't.
	if bytes.IndexByte(s.in[:s.n], '\n') >= 0 {
		return r, false, fmt.Errorf("%w: it said %q", ErrForeign, s.said())
	}
	return r, false, nil
}

// said is the beginning of what came and was no reply yet.
func (s *Session) said() string {
	const most = 80
	line, _, _ := strings.Cut(string(s.in[:min(s.n, most)]), "\r")
	line, _, _ = strings.Cut(line, "\n")
	return line
}

// read waits for bytes, but may return without any. It returns errTimeout at
// the time until.
func (s *Session) read(w *Wait, until time.Time) error {
	if err := w.Ctx.Err(); err != nil {
		return w.err()
	}
	flags := 0
	left := time.Until(until)
	switch {
	case left <= 0:
		return errTimeout
	case left < slice || w.unwatch != nil:
		if events, err := poll(s.fd, pollIn, left); err != nil || events == 0 {
			return err
		}
		flags = syscall.MSG_DONTWAIT
	}
	// Without a poll before, this waits for a slice by itself.
	n, _, err := syscall.Recvfrom(s.fd, s.in[s.n:], flags)
	switch {
	case err == syscall.EAGAIN:
		w.watch(s)
		return nil
	case err == syscall.EINTR:
		return nil
	case err != nil:
		return s.stoppedOr(w, fmt.Errorf("%w: %w", ErrLost, err))
	case n == 0:
		return s.stoppedOr(w, s.lost("wait for the reply", io.ErrUnexpectedEOF))
	}
	s.n += n
	return nil
}

// lost says how the connection ended, and what came before that.
func (s *Session) lost(doing string, err error) error {
	n, _, _ := syscall.Recvfrom(s.fd, s.in[s.n:], syscall.MSG_DONTWAIT)
	s.n += max(n, 0)
	if s.n > 0 {
		return fmt.Errorf("%w: %s: %w after %q", ErrLost, doing, err, s.said())
	}
	return fmt.Errorf("%w: %s: %w", ErrLost, doing, err)
}

// stoppedOr returns the wait's reason to stop, if it has one: an interrupted
// session looks like a lost one.
func (s *Session) stoppedOr(w *Wait, err error) error {
	if stop := w.Ctx.Err(); stop != nil {
		return w.err()
	}
	return err
}

// waitError says which bound ended a wait.
func (s *Session) waitError(w *Wait, err error) error {
	switch {
	case err != errTimeout:
		return err
	case !time.Now().Before(w.Deadline):
		return ErrDeadline
	}
	if s.n > 0 {
		return fmt.Errorf("%w for %v after %q", ErrSilent, w.Silence, s.said())
	}
	return fmt.Errorf("%w for %v", ErrSilent, w.Silence)
}

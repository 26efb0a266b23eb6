package wire

import (
	"fmt"
	"sync"
	"syscall"
	"time"
)

const (
	// maxReply bounds one reply. clamd's are shorter than 1 KiB; more means
	// that no clamd is at the other end.
	maxReply = 4096

	// maxCommands bounds the commands of one session, far below what its ids
	// can count and a reply can hold.
	maxCommands = 1 << 20

	// fresh is how long after a reply nothing can have ended a session: the
	// scans of a burst don't look.
	fresh = 5 * time.Millisecond
)

// Session is one connection in IDSESSION mode with at most one command under
// way. It owns its descriptor.
type Session struct {
	mu sync.Mutex // guards fd against Interrupt; only the owner changes it
	fd int

	greeted bool      // IDSESSION was sent
	lastID  uint32    // id of the last command sent
	active  time.Time // when a reply last came
	pings   int       // PINGs not answered yet
	busy    bool      // a command was begun and has no reply yet
	early   bool      // clamd answered before it had the whole command
	sent    bool      // clamd has the whole command
	spent   bool      // clamd closes it, or may do so, after its last reply

	in  [maxReply]byte
	n   int    // bytes in in
	oob []byte // control message with room for one descriptor, for a unix socket
}

// NewSession makes a session of a connected socket, which it owns from here,
// also if it returns an error.
func NewSession(fd int, unix bool) (*Session, error) {
	s := &Session{fd: fd, active: time.Now()}
	if unix {
		s.oob = syscall.UnixRights(-1)
	}
	wait := syscall.NsecToTimeval(int64(slice))
	err := syscall.SetNonblock(fd, false)
	for _, option := range []int{syscall.SO_SNDTIMEO, syscall.SO_RCVTIMEO} {
		if err == nil {
			err = syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, option, &wait)
		}
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("%w: set up the socket: %w", ErrLost, err)
	}
	return s, nil
}

// Interrupt makes what the session waits for fail at once.
func (s *Session) Interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fd >= 0 {
		_ = syscall.Shutdown(s.fd, syscall.SHUT_RDWR)
	}
}

// Close ends the connection. END saves clamd a line in its log. Within a
// command it would be taken for a part of that.
func (s *Session) Close() {
	if s.greeted && !s.busy {
		_, _ = syscall.SendmsgN(s.fd, []byte("zEND\x00"), nil, nil, sendFlags|syscall.MSG_DONTWAIT)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fd >= 0 {
		_ = syscall.Close(s.fd)
		s.fd = -1
	}
}

// Fd is the socket's descriptor, for questions about the other end.
func (s *Session) Fd() int { return s.fd }

// Sent tells whether clamd had all of the last command when it ended.
func (s *Session) Sent() bool { return s.sent }

// LastReply is when the last reply came, or when the session was made.
func (s *Session) LastReply() time.Time { return s.active }

// Reusable says that the session is as new: clamd keeps it, and nothing is
// left over from what was asked.
func (s *Session) Reusable() bool {
	return s.n == 0 && s.pings == 0 && !s.busy && !s.spent && s.lastID < maxCommands
}

// Ended tells whether an idle session has ended, or something came that
// nobody asked for. orderly says that clamd told so before: its own timeout.
func (s *Session) Ended() (ended, orderly bool) {
	if time.Since(s.active) < fresh {
		return false, false
	}
	if events, err := poll(s.fd, pollIn, 0); events == 0 && err == nil {
		return false, false
	}
	n, _, _ := syscall.Recvfrom(s.fd, s.in[:], syscall.MSG_DONTWAIT)
	r, _ := nextReply(s.in[:max(n, 0)])
	return true, r.Kind == timedOut
}

// command begins the bytes of a command in buf, which it returns, and counts
// its id.
func (s *Session) command(buf []byte, name string) []byte {
	if !s.greeted {
		buf = append(buf, "zIDSESSION\x00"...)
		s.greeted = true
	}
	s.lastID++
	buf = append(buf, 'z')
	buf = append(buf, name...)
	return append(buf, 0)
}

// Greet begins the session and asks for a first sign of life.
func (s *Session) Greet() error { return s.ping() }

// ping sends a PING if the connection takes it at once. The answer needn't
// come soon: a busy clamd reads nothing for seconds.
func (s *Session) ping() error {
	var room [32]byte
	id, greeted := s.lastID, s.greeted
	p := s.command(room[:0], "PING")
	n, err := syscall.SendmsgN(s.fd, p, nil, nil, sendFlags|syscall.MSG_DONTWAIT)
	if err == syscall.EAGAIN || err == syscall.EINTR {
		s.lastID, s.greeted = id, greeted
		return nil
	}
	if err != nil {
		// What clamd said before it closed is worth more than the error.
		return s.lost("send PING", err)
	}
	if n != len(p) {
		return fmt.Errorf("%w: PING was cut", ErrLost)
	}
	s.pings++
	return nil
}

// AwaitPong waits for the answers to the PINGs of a session without another
// command, within the wait's silence. It may be called again after ErrSilent.
func (s *Session) AwaitPong(w *Wait) error {
	defer w.end()
	until := earlier(time.Now().Add(w.Silence), w.Deadline)
	for s.pings > 0 {
		r, ok, err := s.take()
		switch {
		case err != nil:
			return err
		case ok && r.Kind == pong:
			s.pings--
			s.active = time.Now()
			continue
		case ok && (r.Kind == timedOut || stopping[r.Text]):
			return fmt.Errorf("%w: clamd said %q", ErrLost, r.Text)
		case ok:
			return fmt.Errorf("%w: PING answered with %q", ErrForeign, r.Text)
		}
		if err := s.read(w, until); err != nil {
			return s.waitError(w, err)
		}
	}
	return nil
}

package clamd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"
)

// maxReply bounds one reply. clamd's are shorter than 1 KiB; more means that
// no clamd is at the other end.
const maxReply = 4096

// maxCommands bounds the commands of one session, far below what its ids can
// count and a reply can hold.
const maxCommands = 1 << 20

var (
	// errLost wraps every way in which a session can end before the reply.
	// The scan can be repeated elsewhere.
	errLost = errors.New("connection lost")

	// errSilent says that a server was given up though its connection stands.
	errSilent = fmt.Errorf("%w: no sign of life", errLost)

	// errDeadline says that the scan's own time is over.
	errDeadline = errors.New("no answer before the scan's deadline")

	// errClosed says that the client was closed.
	errClosed = errors.New("the antivirus is closing")

	// errNotClamd says that what answers does not speak clamd's protocol.
	errNotClamd = errors.New("a reply of clamd is shorter than that; is something else there?")
)

// session is one connection in IDSESSION mode with at most one scan under
// way. It owns its descriptor.
type session struct {
	fd      int
	network string
	greeted bool      // IDSESSION was sent
	lastID  uint32    // id of the last command sent
	active  time.Time // when a scan last ended on it
	pinged  time.Time // when a PING was last sent on it
	pings   int       // PINGs not answered yet
	early   bool      // clamd answered before it had the whole command
	spent   bool      // clamd closes it, or may do so, after its last reply
	proof   proof     // of what clamd does at the other end

	in  [maxReply]byte
	n   int    // bytes in in
	oob []byte // control message with room for one descriptor
}

// connect makes a connection to addr. It gives up at the end of ctx.
func connect(ctx context.Context, addr Address) (*session, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, addr.Network, addr.Addr)
	if err != nil {
		// The caller names the address.
		if op := (*net.OpError)(nil); errors.As(err, &op) {
			err = op.Err
		}
		return nil, fmt.Errorf("%w: %w", errLost, err)
	}
	defer conn.Close()
	// A duplicate outlives conn and is out of the runtime's poller.
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errLost, err)
	}
	s := &session{fd: -1, network: addr.Network, active: time.Now()}
	var errno syscall.Errno
	err = raw.Control(func(fd uintptr) {
		var dup uintptr
		dup, _, errno = syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_DUPFD_CLOEXEC, 3)
		if errno == 0 {
			s.fd = int(dup)
		}
	})
	if err == nil && errno != 0 {
		err = errno
	}
	if err == nil {
		err = s.setUp()
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("%w: duplicate the socket: %w", errLost, err)
	}
	if addr.Network == "unix" {
		s.oob = syscall.UnixRights(-1)
	}
	return s, nil
}

// setUp makes a read or a send wait for one slice at most.
func (s *session) setUp() error {
	if err := syscall.SetNonblock(s.fd, false); err != nil {
		return err
	}
	wait := syscall.NsecToTimeval(int64(slice))
	if err := syscall.SetsockoptTimeval(s.fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &wait); err != nil {
		return err
	}
	return syscall.SetsockoptTimeval(s.fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &wait)
}

// close ends the connection. clamd notices the end of the session by itself;
// END only saves it a line in its log.
func (s *session) close() {
	if s.greeted {
		_, _ = syscall.SendmsgN(s.fd, []byte("zEND\x00"), nil, nil, sendFlags)
	}
	if s.fd >= 0 {
		_ = syscall.Close(s.fd)
		s.fd = -1
	}
}

// sendFlags keep a broken connection from being a signal and a full one from
// being a wait.
const sendFlags = syscall.MSG_NOSIGNAL | syscall.MSG_DONTWAIT

// command begins the bytes of a command in buf, which it returns, and counts
// its id.
func (s *session) command(buf []byte, name string) []byte {
	if !s.greeted {
		buf = append(buf, "zIDSESSION\x00"...)
		s.greeted = true
	}
	s.lastID++
	buf = append(buf, 'z')
	buf = append(buf, name...)
	return append(buf, 0)
}

// ping sends a PING if the connection takes it at once. The answer needn't
// come soon: a busy clamd reads nothing for seconds.
func (s *session) ping() error {
	var room [32]byte
	id, greeted := s.lastID, s.greeted
	p := s.command(room[:0], "PING")
	n, err := syscall.SendmsgN(s.fd, p, nil, nil, sendFlags)
	if err == syscall.EAGAIN || err == syscall.EINTR {
		s.lastID, s.greeted = id, greeted
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: send PING: %w", errLost, err)
	}
	if n != len(p) {
		return fmt.Errorf("%w: PING was cut", errLost)
	}
	s.pings++
	s.pinged = time.Now()
	return nil
}

// read takes what has come into the session's buffer. It waits for one slice
// at most, and returns nil also when nothing has come.
func (s *session) read() error {
	if s.n == len(s.in) {
		return fmt.Errorf("%d bytes without an end: %w", s.n, errNotClamd)
	}
	n, err := syscall.Read(s.fd, s.in[s.n:])
	switch {
	case err == syscall.EAGAIN || err == syscall.EINTR:
		return nil
	case err != nil:
		return fmt.Errorf("%w: %w", errLost, err)
	case n == 0:
		return fmt.Errorf("%w before the reply: %w", errLost, io.ErrUnexpectedEOF)
	}
	s.n += n
	return nil
}

// take returns the next whole reply that has been read.
func (s *session) take() (reply, bool) {
	r, n := nextReply(s.in[:s.n])
	if n == 0 {
		return reply{}, false
	}
	s.n = copy(s.in[:], s.in[n:s.n])
	return r, true
}

// reusable says that the session is as new: clamd keeps it, and nothing is
// left over from what was asked.
func (s *session) reusable() bool {
	return s.n == 0 && s.pings == 0 && !s.early && !s.spent && s.lastID < maxCommands
}

// quiet tells whether nothing has come on an idle session, be it its end, the
// text of a timeout or what nobody asked for.
func (s *session) quiet() bool {
	events, err := pollFor(s.fd, pollIn, 0)
	return events == 0 && err == nil
}

// countPong notes the answer to a PING. One that nobody asked for does no
// harm to the scan, but the session is not used again.
func (s *session) countPong() {
	if s.pings > 0 {
		s.pings--
	} else {
		s.spent = true
	}
}

// pong waits for the answer to the PINGs of a session without a scan.
func (s *session) pong(stop stopper, until time.Time) error {
	for s.pings > 0 {
		if r, ok := s.take(); ok {
			if r.kind != pong {
				return fmt.Errorf("%w: PING answered with %q", errLost, r.text)
			}
			s.pings--
			continue
		}
		if _, err := stop.poll(s.fd, pollIn, until); err != nil {
			return err
		}
		if err := s.read(); err != nil {
			return err
		}
	}
	return nil
}

package clamd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/wire"
)

// stagger is how long one address of a name may take before the next one is
// tried beside it.
const stagger = 300 * time.Millisecond

// session returns an idle session, or a new one that clamd has answered on.
// The end of ctx is the client's.
func (s *server) session(w *wire.Wait, ctx context.Context) (*wire.Session, error) {
	x, lost := s.pool.take()
	if lost {
		return nil, fmt.Errorf("%w while it was idle", wire.ErrLost)
	}
	if x != nil {
		return x, nil
	}
	x, err := s.open(w, ctx)
	if err == nil && !s.isPeer(x) {
		s.pool.drop(x)
		return nil, fmt.Errorf("%w: another process has taken the socket over", wire.ErrLost)
	}
	return x, err
}

// isPeer tells whether a session over a unix socket leads to the process that
// was tested.
func (s *server) isPeer(x *wire.Session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pid == 0 || peerOf(x.Fd()) == s.pid
}

// open begins a session. A clamd without a free place takes the connection and
// is silent; then idle sessions of ours must not be what it waits for.
func (s *server) open(w *wire.Wait, ctx context.Context) (*wire.Session, error) {
	x, err := s.connect(w, ctx)
	if err != nil {
		return nil, err
	}
	if err = s.pool.add(x); err == nil {
		err = s.greet(w, x)
	}
	if err != nil {
		s.pool.drop(x)
		return nil, err
	}
	return x, nil
}

// greet waits for the first answer on a new session.
func (s *server) greet(w *wire.Wait, x *wire.Session) error {
	if err := x.Greet(); err != nil {
		return err
	}
	soon := *w
	soon.Silence = s.times.crowd
	err := x.AwaitPong(&soon)
	if err == nil {
		s.pool.isServed(x, false)
	}
	if !errors.Is(err, wire.ErrSilent) {
		return err
	}
	s.pool.takesTime()
	if err = x.AwaitPong(w); err != nil {
		s.pool.gaveUp()
		return err
	}
	s.pool.isServed(x, true)
	return nil
}

// connect connects within the bound of one connect and the deadline. Only what
// is the server's fault is wire.ErrLost.
func (s *server) connect(w *wire.Wait, closing context.Context) (*wire.Session, error) {
	bound := time.Now().Add(s.times.dial)
	deadline := bound
	if w.Deadline.Before(bound) {
		deadline = w.Deadline
	}
	ctx, cancel := context.WithDeadline(w.Ctx, deadline)
	defer cancel()
	defer context.AfterFunc(closing, cancel)()
	conn, err := s.dial(ctx)
	if err == nil {
		defer conn.Close()
		return s.adopt(conn)
	}
	switch {
	case closing.Err() != nil:
		return nil, errClosed
	case w.Ctx.Err() == context.Canceled:
		return nil, w.Ctx.Err()
	// Package net knows both, as its own clock or the context's is ahead.
	case !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, os.ErrDeadlineExceeded):
		// The caller names the address.
		if op := (*net.OpError)(nil); errors.As(err, &op) {
			err = op.Err
		}
		return nil, fmt.Errorf("%w: %w", wire.ErrLost, err)
	case deadline != bound:
		return nil, fmt.Errorf("%w, while connecting", wire.ErrDeadline)
	}
	return nil, fmt.Errorf("%w: no connection within %v", wire.ErrLost, s.times.dial)
}

// adopt makes a session of a duplicate, which outlives conn and is out of the
// runtime's poller.
func (s *server) adopt(conn net.Conn) (*wire.Session, error) {
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", wire.ErrLost, err)
	}
	var dup uintptr
	var errno syscall.Errno
	err = raw.Control(func(fd uintptr) {
		dup, _, errno = syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_DUPFD_CLOEXEC, 3)
	})
	if err == nil && errno != 0 {
		err = errno
	}
	if err != nil {
		return nil, fmt.Errorf("%w: duplicate the socket: %w", wire.ErrLost, err)
	}
	return wire.NewSession(int(dup), s.addr.Network == "unix")
}

// dial connects to the address that worked last, and to the others of the
// name if that takes long or fails.
func (s *server) dial(ctx context.Context) (net.Conn, error) {
	if s.addr.Network == "unix" {
		return new(net.Dialer).DialContext(ctx, "unix", s.addr.Addr)
	}
	host, port, err := net.SplitHostPort(s.addr.Addr)
	if err != nil {
		return nil, err
	}
	last, _ := s.lastIP.Load().(string)
	found := []string{host}
	if _, err := netip.ParseAddr(host); err != nil {
		found, err = s.lookup(ctx, host)
		switch {
		case err == nil:
		case last == "":
			return nil, err
		default:
			found = []string{last}
		}
	}
	if i := slices.Index(found, last); i > 0 {
		found[0], found[i] = found[i], found[0]
	}
	conn, ip, err := dialAny(ctx, found, port, s.log)
	if err == nil {
		s.lastIP.Store(ip)
	}
	return conn, err
}

// dialAny returns the first connection to one of several addresses. Each is
// tried when the one before has failed or taken long.
func dialAny(ctx context.Context, ips []string, port string, log *api.Logger) (net.Conn, string, error) {
	type result struct {
		conn net.Conn
		ip   string
		err  error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan result, len(ips))
	var taken atomic.Bool
	var errs []error
	next := time.NewTimer(0)
	defer next.Stop()
	for begun := 0; ; {
		select {
		case <-next.C:
			if begun == len(ips) {
				continue
			}
			ip := ips[begun]
			begun++
			api.Go(log, func() {
				conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(ip, port))
				if err == nil && taken.Swap(true) {
					_ = conn.Close()
					return
				}
				results <- result{conn, ip, err}
			})
			next.Reset(stagger)
		case r := <-results:
			if r.err == nil {
				return r.conn, r.ip, nil
			}
			if errs = append(errs, r.err); len(errs) == len(ips) {
				return nil, "", errs[0]
			}
			next.Reset(0)
		}
	}
}

// peerOf is the process that listens at the other end of a unix socket, or 0.
func peerOf(fd int) int {
	c, err := syscall.GetsockoptUcred(fd, syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	if err != nil {
		return 0
	}
	return int(c.Pid)
}

// isOurFault tells whether an error leaves open what the server is like: it
// is busy, or this process or machine is short of something.
func isOurFault(err error) bool {
	for _, short := range []error{
		errNoTestFile,
		syscall.EAGAIN, // the backlog of a unix socket is full
		syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOBUFS, syscall.ENOSPC,
		syscall.ETOOMANYREFS, // too many descriptors are under way
	} {
		if errors.Is(err, short) {
			return true
		}
	}
	return false
}

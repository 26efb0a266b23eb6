package clamd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/avirkit/avirkit/api"
)

const (
	// maxSent bounds how often a whole file is sent. It may be the file that
	// kills clamd.
	maxSent = 3

	// maxCut bounds how many uploads of a file are begun and cut off.
	maxCut = 10
)

// Scanner scans for one thread. It owns one buffer.
type Scanner struct {
	c   *Client
	buf []byte
}

// NewScanner makes the state for one thread.
func (c *Client) NewScanner() *Scanner {
	return &Scanner{c: c, buf: make([]byte, bufferSize)}
}

// Scan scans one file, within ScanTimeout and ctx's deadline.
func (s *Scanner) Scan(ctx context.Context, file api.File) api.Result {
	deadline := time.Now().Add(s.c.ScanTimeout)
	if d, ok := ctx.Deadline(); ok {
		deadline = earlier(deadline, d)
	}
	fd, state, err := openFile(file.Path)
	if err != nil {
		return failure(file, err)
	}
	defer closeFile(fd)
	switch {
	case state.size == 0:
		// Nothing to ask about, if it really is empty: a file of /proc says
		// 0 and has contents.
		if n, err := readAt(fd, s.buf[:1], 0); err != nil {
			return failure(file, err)
		} else if n > 0 {
			return failure(file, errChanged)
		}
		return api.Result{Verdict: api.OK}
	case state.size > s.c.MaxFileSize:
		reason := fmt.Sprintf("larger than option MaxFileSize: %d bytes", s.c.MaxFileSize)
		return s.c.policy(s.c.OnLimit, unscanned, reason, file)
	}
	r, srv, err := s.repeat(stopper{ctx, &s.c.closed}, fd, state.size, deadline)
	if err == nil && r.kind == clean {
		// Reading takes time, and clamd maps a descriptor's file when it gets
		// there: what is clean needn't be what is there now.
		err = state.unchanged(fd)
	}
	if err != nil {
		return failure(file, err)
	}
	return s.c.result(r, srv, file)
}

// repeat scans until there is a reply or no reason to try again.
func (s *Scanner) repeat(stop stopper, fd int, size int64, deadline time.Time) (reply, *server, error) {
	var last error
	for sent, cut, fresh := 0, 0, false; ; {
		srv, until, err := s.c.pick()
		if err != nil {
			return reply{}, nil, err
		}
		if time.Now().Before(until) {
			// All are down. Another one than this may be back sooner.
			s.c.release(srv)
			if err := s.c.pause(stop, until, deadline); err != nil {
				return reply{}, nil, s.c.giveUp(err, last)
			}
			continue
		}
		r, end, err := s.once(stop, srv, fd, size, deadline, fresh, last != nil)
		s.c.release(srv)
		if err == nil {
			return r, srv, nil
		}
		before := last
		last = at(srv, err)
		switch {
		case errors.Is(err, errUnfit):
			s.c.fail(srv, err)
			if !s.c.anyUp() {
				return reply{}, nil, last
			}
		case errors.Is(err, errRefused):
			s.c.fail(srv, err)
		case errors.Is(err, errDeadline) && before != nil:
			return reply{}, nil, s.c.giveUp(last, before)
		case notItsFault(err):
			s.c.note(srv, err)
			if err := s.c.pause(stop, time.Now().Add(s.c.times.pause), deadline); err != nil {
				return reply{}, nil, s.c.giveUp(err, last)
			}
		case errors.Is(err, errNoDescriptor):
			srv.fildes.Store(false) // until it is examined again
			s.c.warnOnce(srv, "descriptor", "gets files by INSTREAM, as it was not given a descriptor: may clamd read the product's files?")
		case !errors.Is(err, errLost):
			return reply{}, nil, last
		case end.wasIdle && !errors.Is(err, errSilent):
			// clamd may close an idle session: no fault of its. The others
			// that were idle are no better.
			fresh = true
			s.c.dropIdle(srv)
		default:
			s.c.fail(srv, err)
		}
		switch {
		case end.sent:
			sent++
		case end.begun:
			cut++
		}
		if sent == maxSent || cut == maxCut {
			return reply{}, nil, fmt.Errorf("sent %d times and cut off %d times without an answer: %w", sent, cut, last)
		}
	}
}

// outcome is how far a scan came before its connection ended.
type outcome struct {
	wasIdle bool // the connection had been idle, and may have ended before
	begun   bool // clamd was being sent the file
	sent    bool // clamd had the whole file, and did not answer
}

// once scans on one session of one server. A server that was lost, to this
// scan or to another, gets no file before it has shown that it is back: what
// is lost then counts against the file.
func (s *Scanner) once(stop stopper, srv *server, fd int, size int64, deadline time.Time, fresh, again bool) (reply, outcome, error) {
	fildes := srv.fildes.Load()
	if fildes {
		// clamd calls clean what it can't read.
		if err := readable(stop, fd, size, s.buf, deadline); err != nil {
			return reply{}, outcome{}, err
		}
	}
	conn, wasIdle, err := s.c.session(stop, srv, deadline, fresh)
	if err != nil {
		return reply{}, outcome{}, err
	}
	x := exchange{stopper: stop, session: conn, deadline: deadline, times: &s.c.times}
	if conn.proof.at.IsZero() && (again || s.c.isDown(srv)) {
		if err := s.c.prove(&x, srv, s.buf); err != nil {
			conn.close()
			return reply{}, outcome{wasIdle: wasIdle}, err
		}
	}
	began := time.Now()
	r, err := x.scan(fildes, fd, size, s.buf)
	end := outcome{wasIdle: wasIdle, begun: true, sent: x.sent}
	switch {
	case err != nil:
	case fildes && s.c.Mode == Auto && r.kind == failed && r.text == noDescriptorText:
		err = errNoDescriptor
	case r.kind == clean:
		end.sent = false // an answer came: what happens from here is not the file's doing
		r, err = s.c.believe(&x, srv, size, began, s.buf)
	}
	if err != nil {
		conn.close()
		return r, end, err
	}
	if r.kind != failed && !s.c.failedSince(srv, began) { // the one tells little of the server, the other of what it was
		s.c.up(srv)
	}
	s.c.keep(srv, conn)
	return r, end, nil
}

// scan sends a file by descriptor or as a stream.
func (x *exchange) scan(fildes bool, fd int, size int64, buf []byte) (reply, error) {
	if fildes {
		return x.fildes(fd, buf)
	}
	return x.instream(fd, size, buf)
}

// pause waits until the given time, but no longer than until it is worth
// looking at the servers again.
func (c *Client) pause(stop stopper, until, deadline time.Time) error {
	until = earlier(until, time.Now().Add(slice))
	if err := stop.sleep(earlier(until, deadline)); err != nil {
		return err
	}
	if !time.Now().Before(deadline) {
		return errDeadline
	}
	return nil
}

// giveUp names what kept a scan from its answer until the deadline.
func (c *Client) giveUp(err, last error) error {
	if last == nil {
		c.mu.Lock()
		for _, s := range c.servers {
			if s.lastErr != nil {
				last = at(s, s.lastErr)
			}
		}
		c.mu.Unlock()
	}
	if last == nil {
		return err
	}
	return fmt.Errorf("%w; before that: %w", err, last)
}

// at adds the server's address to an error.
func at(s *server, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("clamd at %s: %w", s.addr, err)
}

package wire

import (
	"fmt"
	"syscall"
	"time"
)

// sendFlags keep a broken connection from being a signal.
const sendFlags = syscall.MSG_NOSIGNAL

// begin starts a command other than PING in buf, and its exchange.
func (s *Session) begin(buf []byte, name string) []byte {
	s.busy, s.early, s.sent = true, false, false
	return s.command(buf, name)
}

// send writes all of p, and with the first byte the descriptor that oob
// holds. It returns without an error but with early set when clamd answers or
// ends the connection before it has everything: its reply can still be read.
func (s *Session) send(w *Wait, p, oob []byte) error {
	silent := time.Now().Add(w.Silence)
	for len(p) > 0 {
		// A server that takes all we have as fast as we can never makes us wait.
		if err := w.err(); err != nil {
			return err
		}
		n, err := syscall.SendmsgN(s.fd, p, oob, nil, sendFlags)
		switch {
		case err == nil:
			p, oob = p[n:], nil
			silent = time.Now().Add(w.Silence)
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			if err := s.awaitRoom(w, earlier(silent, w.Deadline)); err != nil || s.early {
				return err
			}
		case err == syscall.EPIPE || err == syscall.ECONNRESET:
			s.early = true
			return nil
		default:
			return fmt.Errorf("%w: send: %w", ErrLost, err)
		}
	}
	return nil
}

// awaitRoom waits until the connection takes more bytes, or sets early.
func (s *Session) awaitRoom(w *Wait, until time.Time) error {
	w.watch(s)
	events, err := poll(s.fd, pollIn|pollOut, time.Until(until))
	if err != nil {
		return fmt.Errorf("%w: wait for room: %w", ErrLost, err)
	}
	if events == 0 && !time.Now().Before(until) {
		return s.waitError(w, errTimeout)
	}
	s.early = events&pollIn != 0 || events != 0 && events&pollOut == 0
	return nil
}

// receive waits for the reply to the command that was sent last. On the way
// it keeps the session alive with PINGs, whose answers also tell that a silent
// clamd is only busy.
func (s *Session) receive(w *Wait, id uint32) (Reply, error) {
	defer w.end()
	s.sent = !s.early
	now := time.Now()
	silence := w.Silence
	if s.early {
		// Nothing is under way: the reply is here or never comes.
		silence = min(silence, 5*time.Second)
	}
	silent, nextPing := now.Add(silence), now.Add(w.Ping)
	for {
		r, ok, err := s.take()
		switch {
		case err != nil:
			return Reply{}, err
		case ok && r.Kind == pong:
			s.countPong()
			silent = time.Now().Add(silence)
			continue
		case ok:
			return s.check(r, id)
		}
		until := earlier(silent, w.Deadline)
		pinging := !s.early && nextPing.Before(until)
		if pinging {
			until = nextPing
		}
		had := s.n
		err = s.read(w, until)
		switch {
		case err == errTimeout && pinging:
			if err := s.ping(); err != nil {
				return Reply{}, err
			}
			nextPing = time.Now().Add(w.Ping)
		case err != nil:
			return Reply{}, s.waitError(w, err)
		case s.n > had: // part of a reply is a sign of life
			silent = time.Now().Add(silence)
		}
	}
}

// countPong notes the answer to a PING. One that nobody asked for does no
// harm to the scan, but the session is not used again.
func (s *Session) countPong() {
	if s.pings > 0 {
		s.pings--
	} else {
		s.spent = true
	}
}

// check accepts a reply that is to the command id and stands alone.
func (s *Session) check(r Reply, id uint32) (Reply, error) {
	switch {
	case r.Kind == timedOut, r.Kind == Refused && stopping[r.Text]:
		return r, fmt.Errorf("%w: clamd said %q", ErrLost, r.Text)
	case r.Kind == Refused && r.id == 0:
		// Not of a session at all, UNKNOWN COMMAND for one.
		s.spent = true
		return r, nil
	case r.id != id:
		return r, fmt.Errorf("%w: reply to command %d where %d was asked", ErrLost, r.id, id)
	case s.early && r.Kind == Clean:
		return r, fmt.Errorf("%w: clamd answered before it had the whole file", ErrLost)
	}
	for {
		// Two replies to one command contradict each other, so neither counts.
		next, ok, err := s.take()
		if err != nil {
			return r, err
		}
		if !ok {
			break
		}
		switch {
		case next.Kind == pong:
			s.countPong()
		case next.Kind == timedOut: // the session ends; the verdict came before
			s.spent = true
		case r.Kind == Refused && next.Kind == Refused && !stopping[next.Text]:
			s.spent = true // it said twice that it can't go on
		case r.Kind == Refused && next.Kind != Refused:
			s.spent = true
			r.Kind = Contradicted
			return r, nil
		default:
			// A clamd that is being stopped does this.
			return r, fmt.Errorf("%w: a second reply: %q", ErrLost, next.Text)
		}
	}
	// clamd may close after an ERROR, and goes on after any other verdict.
	s.spent = s.spent || s.early || r.Kind == Refused || r.Text == limitText
	s.busy = false
	s.active = time.Now()
	return r, nil
}

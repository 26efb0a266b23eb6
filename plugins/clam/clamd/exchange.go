package clamd

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// timing holds the times that the tests shorten.
type timing struct {
	dial    time.Duration // bound of one connect
	ping    time.Duration // between PINGs of a session, well inside clamd's ReadTimeout of 120 s
	silence time.Duration // a server that gives no sign of life for so long is given up
	giveUp  time.Duration // an idle session is closed, for it takes a place in clamd's queue
	pause   time.Duration // first pause of a server that failed; doubles each time
	pauseTo time.Duration // longest such pause
	tick    time.Duration // between two looks of the upkeep
	fresh   time.Duration // how long one proof serves a burst of scans
	grace   time.Duration // how long Start waits for the other servers when one is ready
}

// exchange is one command and its reply on one session.
type exchange struct {
	stopper
	*session
	deadline time.Time // the scan's
	times    *timing
	sent     bool // clamd has the whole command
}

// send writes all of p, and with the first byte the descriptor that oob
// holds. It returns without an error but with early set when clamd answers or
// ends the connection before it has everything: its reply can still be read.
func (x *exchange) send(p, oob []byte) error {
	silent := time.Now().Add(x.times.silence)
	for len(p) > 0 {
		// A server that takes all we have as fast as we can never makes us wait.
		if err := x.err(); err != nil {
			return err
		}
		left := time.Until(x.deadline)
		if left <= 0 {
			return errDeadline
		}
		flags := sendFlags
		if left > slice {
			// A send that waits by itself, one slice at most, saves a poll
			// for each part that fits the socket's buffer.
			flags &^= syscall.MSG_DONTWAIT
		}
		n, err := syscall.SendmsgN(x.fd, p, oob, nil, flags)
		switch {
		case err == nil:
			p, oob = p[n:], nil
			if len(p) > 0 {
				silent = time.Now().Add(x.times.silence)
			}
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			if err := x.awaitRoom(silent); err != nil || x.early {
				return err
			}
		case err == syscall.EPIPE || err == syscall.ECONNRESET:
			x.early = true
			return nil
		default:
			return fmt.Errorf("%w: send: %w", errLost, err)
		}
	}
	return nil
}

// awaitRoom waits until the connection takes more bytes, or sets early.
func (x *exchange) awaitRoom(silent time.Time) error {
	events, err := x.poll(x.fd, pollIn|pollOut, earlier(silent, x.deadline))
	if err != nil {
		return x.waitError(err)
	}
	x.early = events&pollIn != 0 || events&pollOut == 0
	return nil
}

// receive waits for the reply to the session's command id. On the way it
// keeps the session alive with PINGs, whose answers also tell that a silent
// clamd is only busy.
func (x *exchange) receive(id uint32) (reply, error) {
	x.sent = !x.early
	now := time.Now()
	silent, nextPing := now.Add(x.times.silence), now.Add(x.times.ping)
	if x.early {
		// Nothing is under way: the reply is here or never comes.
		silent = now.Add(min(x.times.silence, x.times.dial))
	}
	for {
		if r, ok := x.take(); ok {
			if r.kind == pong {
				x.countPong()
				silent = time.Now().Add(x.times.silence)
				continue
			}
			return x.check(r, id)
		}
		until := earlier(silent, x.deadline)
		pinging := !x.early && nextPing.Before(until)
		if pinging {
			until = nextPing
		}
		err := x.await(until)
		switch {
		case err == errTimeout && pinging:
			if err := x.ping(); err != nil {
				return reply{}, err
			}
			nextPing = time.Now().Add(x.times.ping)
		case err != nil:
			return reply{}, x.waitError(err)
		default:
			had := x.n
			if err := x.read(); err != nil {
				return reply{}, err
			}
			if x.n > had { // part of a reply is a sign of life
				silent = time.Now().Add(x.times.silence)
			}
		}
	}
}

// await waits until there is something to read, or nearly so: a read that
// waits by itself saves a system call, and is as good as long as the bound is
// further away than a slice.
func (x *exchange) await(until time.Time) error {
	if time.Until(until) < slice {
		_, err := x.poll(x.fd, pollIn, until)
		return err
	}
	return x.err()
}

// check accepts a reply that is to the command id and stands alone.
func (x *exchange) check(r reply, id uint32) (reply, error) {
	switch {
	case r.kind == timedOut, r.kind == failed && stopping[r.text]:
		return r, fmt.Errorf("%w: clamd said %q", errLost, r.text)
	case r.kind == failed && (r.id == 0 || r.id == id):
		// With no id it is not of a session at all, UNKNOWN COMMAND for one.
		x.spent = true
		return r, nil
	case r.id != id:
		return r, fmt.Errorf("%w: reply to command %d where %d was asked", errLost, r.id, id)
	case x.early && r.kind == clean:
		return r, fmt.Errorf("%w: clamd answered before it had the whole file", errLost)
	}
	for {
		// Two replies to one command contradict each other, so neither counts.
		next, ok := x.take()
		if !ok {
			break
		}
		switch next.kind {
		case pong:
			x.countPong()
			continue
		case timedOut: // the session ends; the verdict came before
			x.spent = true
			continue
		}
		// A clamd that is being stopped does this.
		return r, fmt.Errorf("%w: a second reply: %q", errLost, next.text)
	}
	// clamd may close after an ERROR, and goes on after any other verdict.
	x.spent = x.spent || r.kind == failed || r.text == limitText
	x.active = time.Now()
	return r, nil
}

// waitError says which bound ended a wait.
func (x *exchange) waitError(err error) error {
	switch {
	case !errors.Is(err, errTimeout):
		return err
	case !time.Now().Before(x.deadline):
		return errDeadline
	}
	return fmt.Errorf("%w for %v", errSilent, x.times.silence)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

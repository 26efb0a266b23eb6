package clamd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"
)

// server is what the client knows about one clamd. The client's mutex guards
// what follows the flags.
type server struct {
	addr   Address
	fildes atomic.Bool  // scans go by descriptor
	choked atomic.Int64 // when it last gave no answer about a nested archive, in Unix seconds

	idle []*session // sessions not in use, the last one used last
	busy int        // scans under way

	failures  int       // failures in a row
	downUntil time.Time // not used before, unless all others are down too
	down      bool      // marked down: the upkeep or a scan has to prove it first
	downSince time.Time
	told      bool      // the log has that it is down
	toldAt    time.Time // when the log was last told so
	lastErr   error
	failedAt  time.Time // when it was last marked down
	examining bool
	warned    map[string]bool // what the log has already been told of its settings
}

// pick chooses the least busy server that is up and counts a scan on it. When
// all are down it chooses the one whose pause ends first and returns how long
// to wait for that.
func (c *Client) pick() (s *server, until time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed.Load() {
		return nil, until, errClosed
	}
	c.turn++
	var best *server
	for i := range c.servers {
		// A new start each time spreads the scans of an idle farm.
		candidate := c.servers[(c.turn+uint(i))%uint(len(c.servers))]
		switch {
		case best == nil:
			best = candidate
		case candidate.down != best.down:
			if best.down {
				best = candidate
			}
		case best.down:
			if candidate.downUntil.Before(best.downUntil) {
				best = candidate
			}
		case candidate.busy < best.busy:
			best = candidate
		}
	}
	best.busy++
	if best.down {
		until = best.downUntil
	}
	return best, until, nil
}

// failedSince tells whether what was known of a server at a time may not hold
// any more.
func (c *Client) failedSince(s *server, at time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return s.failedAt.After(at)
}

func (c *Client) isDown(s *server) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return s.down
}

// anyUp tells whether a server is not marked down.
func (c *Client) anyUp() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.servers, func(s *server) bool { return !s.down })
}

// release ends what pick began.
func (c *Client) release(s *server) {
	c.mu.Lock()
	s.busy--
	c.mu.Unlock()
}

// tellAgain is the least time between two lines in the log that say that the
// same server is down.
const tellAgain = 10 * time.Second

// fail marks a server down for a pause that doubles with each failure, and
// gives up its idle sessions, which are as dead as the one that failed.
func (c *Client) fail(s *server, err error) {
	c.mu.Lock()
	now := time.Now()
	pause := c.times.pause << min(s.failures, 16)
	// All threads fail at once when a server goes: that is one failure.
	if !s.down || now.After(s.downUntil) {
		s.failures++
		s.downUntil = now.Add(min(pause, c.times.pauseTo))
	}
	s.lastErr, s.failedAt = err, now
	if !s.down {
		s.down, s.downSince = true, now
	}
	// One that comes and goes must not fill the log. If it stays down, the
	// next failure tells.
	tell := !s.told && (s.toldAt.IsZero() || now.Sub(s.toldAt) > tellAgain)
	if tell {
		s.told, s.toldAt = true, now
	}
	c.mu.Unlock()
	c.dropIdle(s)
	if tell {
		c.log.Warningf("clamd at %s is marked down: %v", s.addr, err)
	}
}

// dropIdle gives up a server's idle sessions when one of them has ended: it
// may have been restarted.
func (c *Client) dropIdle(s *server) {
	c.mu.Lock()
	idle := s.idle
	s.idle = nil
	c.mu.Unlock()
	for _, x := range idle {
		x.close()
	}
}

// note keeps what went wrong with a server for the message of a scan that
// runs out of time.
func (c *Client) note(s *server, err error) {
	c.mu.Lock()
	s.lastErr = err
	c.mu.Unlock()
}

// up notes that the server works.
func (c *Client) up(s *server) {
	c.mu.Lock()
	back, since := s.told, s.downSince
	s.down, s.told, s.failures = false, false, 0
	c.mu.Unlock()
	if back {
		c.log.Warningf("clamd at %s is back after %v", s.addr, time.Since(since).Round(time.Second/10))
	}
}

// session returns an idle session to a server, if there is one and fresh is
// false, or a new one.
func (c *Client) session(stop stopper, s *server, deadline time.Time, fresh bool) (x *session, wasIdle bool, err error) {
	for !fresh {
		if x = c.takeIdle(s); x == nil {
			break
		}
		if time.Since(x.active) < burstGap || x.quiet() {
			return x, true, nil
		}
		x.close()
		c.dropIdle(s)
	}
	x, err = c.dial(stop.ctx, s.addr, deadline)
	return x, false, err
}

// takeIdle takes the idle session that was used last, or returns nil.
func (c *Client) takeIdle(s *server) *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(s.idle)
	if n == 0 {
		return nil
	}
	x := s.idle[n-1]
	s.idle[n-1] = nil
	s.idle = s.idle[:n-1]
	return x
}

// dial connects within the bound of one connect and the deadline. Only what
// is the server's fault is errLost.
func (c *Client) dial(parent context.Context, addr Address, deadline time.Time) (*session, error) {
	bound := time.Now().Add(c.times.dial)
	ctx, cancel := context.WithDeadline(parent, earlier(bound, deadline))
	defer cancel()
	stop := context.AfterFunc(c.ctx, cancel)
	defer stop()
	x, err := connect(ctx, addr)
	if err == nil {
		return x, nil
	}
	if stopped := (stopper{parent, &c.closed}).err(); stopped != nil {
		return nil, stopped
	}
	switch {
	// Package net knows both, as its own clock or the context's is ahead.
	case !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, os.ErrDeadlineExceeded):
		return nil, err
	case !bound.Before(deadline):
		return nil, fmt.Errorf("%w, while connecting", errDeadline)
	}
	return nil, fmt.Errorf("%w: no connection within %v", errLost, c.times.dial)
}

// keep puts a session back that a scan has ended well on.
func (c *Client) keep(s *server, x *session) {
	c.mu.Lock()
	if x.reusable() && !c.closed.Load() && !s.down {
		s.idle = append(s.idle, x)
		x = nil
	}
	c.mu.Unlock()
	if x != nil {
		x.close()
	}
}

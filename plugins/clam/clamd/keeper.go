package clamd

import (
	"context"
	"time"
)

// tellAgain is the least time between two lines in the log that say that the
// same server is down.
const tellAgain = 10 * time.Second

// keep tests the server when that is due, until ctx ends. A server that nobody
// uses lets it sleep.
func (s *server) keep(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-timer.C:
		}
		next := s.look(ctx)
		timer.Stop()
		if next > 0 {
			timer.Reset(next)
		}
	}
}

// look does what is due now and returns when to look again, 0 for not before
// it is woken.
func (s *server) look(ctx context.Context) (next time.Duration) {
	for ctx.Err() == nil {
		now := time.Now()
		s.mu.Lock()
		used := s.used || s.busy > 0
		s.used = false
		due := s.state != ready || s.again || s.testIsDue(now) && used || s.size.wants()
		wait := s.retryAt.Sub(now)
		askVersion := now.Sub(s.versions) >= s.times.look
		if due && wait <= 0 {
			s.testing, s.again = true, false
		}
		s.dozes = !due && !used
		dozes := s.dozes
		next := min(s.times.look, s.SelfTest-now.Sub(s.passed))
		s.mu.Unlock()
		switch {
		case due && wait > 0:
			return wait
		case due:
			s.report(now, s.test(ctx))
		case dozes:
			return 0
		case askVersion:
			if s.checkVersion(ctx) {
				s.mu.Lock()
				s.again, s.thorough, s.size.chokes = true, true, false
				s.mu.Unlock()
			}
		default:
			return max(next, time.Millisecond)
		}
	}
	return 0
}

// wants tells whether a size has to be tested. A size over a known limit is
// tried once.
func (z *sizes) wants() bool {
	return z.wanted > z.scanned && (z.refused == 0 || z.wanted < z.refused)
}

// report notes how a test ended that began at the given time.
func (s *server) report(began time.Time, err error) {
	now := time.Now()
	s.mu.Lock()
	s.testing = false
	back, isDown, tell := false, false, false
	var since time.Time
	switch {
	case err == nil:
		back, since = s.told, s.downAt
		s.passed, s.told, s.retryAt = began, false, time.Time{}
		s.thorough = s.again
		if s.state = ready; s.again {
			s.state = untested
		} else {
			s.err = nil
		}
	case isOurFault(err): // it leaves open what the server is like
		s.err = err
		s.retryAt = now.Add(s.times.pause)
	default:
		isDown = true
		s.err, s.failedFrom, s.thorough, s.denied = err, began, true, false
		if s.state != down {
			s.state, s.downAt = down, now
		}
		s.failures++
		s.retryAt = now.Add(s.pauseAfter(s.failures, s.times.pauseTo))
		// One that comes and goes must not fill the log. If it stays down,
		// the next failure tells.
		tell = !s.passed.IsZero() && !s.told && (s.toldAt.IsZero() || now.Sub(s.toldAt) > tellAgain)
		if tell {
			s.told, s.toldAt = true, now
		}
	}
	s.mu.Unlock()
	if isDown {
		s.pool.dropIdle()
	}
	if tell {
		s.log.Warningf("clamd at %s is marked down: %s", s.addr, withRemedy(err))
	}
	if back {
		s.log.Warningf("clamd at %s is back after %v", s.addr, now.Sub(since).Round(time.Second/10))
	}
	s.news.tell()
}

// tellNotReady logs that a server did not become ready in time for Start.
func (s *server) tellNotReady() {
	s.mu.Lock()
	err, isReady := s.err, s.state == ready
	if !isReady {
		s.told, s.toldAt = true, time.Now()
		if s.downAt.IsZero() {
			s.downAt = s.toldAt
		}
	}
	s.mu.Unlock()
	switch {
	case isReady:
	case err == nil:
		s.log.Warningf("clamd at %s is not ready, as its self-test has not ended; scans go to the others", s.addr)
	default:
		s.log.Warningf("clamd at %s is not ready; scans go to the others: %s", s.addr, withRemedy(err))
	}
}

package clamd

import (
	"errors"
	"time"

	"github.com/avirkit/avirkit/plugins/clam/wire"
)

// trust is how far an OK for a file of some size counts.
type trust int

const (
	unknown   trust = iota // until the test that is due has ended
	scanned                // the server scans files of that size
	unscanned              // it calls them clean without a scan
	nothing                // the server is down
)

// trusts tells whether an OK for a file of size bytes counts, and has a size
// tested that the server never had.
func (s *server) trusts(size int64) trust {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state == down:
		return nothing
	case s.state == untested, s.testIsOverdue():
		return unknown
	case size <= s.size.scanned:
		return scanned
	case s.size.refused > 0 && size >= s.size.refused:
		return unscanned
	}
	if size > s.size.wanted {
		s.size.wanted = size
		s.poke()
	}
	return unknown
}

// hopeless returns why a scan that began at the given time should not wait for
// the server: it answers, and can't be trusted. Where the last test is older
// than the scan, the next one comes at once.
func (s *server) hopeless(began time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state != down || !cantBeTrusted(s.err, time.Since(s.downAt) > s.times.grace):
	case s.failedFrom.After(began):
		return s.at(s.err)
	case !s.testing:
		s.retryAt = time.Now()
		s.poke()
	}
	return nil
}

// cantBeTrusted tells whether a test failed because of what clamd said. If it
// only refused to scan it may have been short of something for a moment.
func cantBeTrusted(err error, forLong bool) bool {
	return errors.Is(err, errUnfit) || errors.Is(err, wire.ErrForeign) || forLong && errors.Is(err, errRefused)
}

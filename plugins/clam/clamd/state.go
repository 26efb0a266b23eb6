package clamd

import (
	"strings"
	"sync/atomic"
	"time"
)

// counts are what all scans of a client add up to.
type counts struct {
	bytes   atomic.Int64 // of the files that were opened
	repeats atomic.Int64 // attempts after the first one
}

// Bytes is how much the files had that were scanned so far.
func (c *Client) Bytes() int64 { return c.counts.bytes.Load() }

// Repeats is how often a scan was begun again.
func (c *Client) Repeats() int64 { return c.counts.repeats.Load() }

// Changed returns a channel that is closed when the state of a server changes
// next.
func (c *Client) Changed() <-chan struct{} { return c.news.next() }

// ServerState is what is known of a server at one moment.
type ServerState struct {
	Name     string
	Up       bool      // it gets files, or would after a test that is due
	Sessions int       // open connections for scans
	Tested   time.Time // when its last test began that has ended; zero before
	Passed   bool      // that test
	Engine   string    // version of clamd; "" if unknown
	Database string    // number of its official signatures; "" if unknown
	Made     time.Time // when they were made; zero if unknown
}

// States tells of each server.
func (c *Client) States() []ServerState {
	states := make([]ServerState, len(c.servers))
	for i, s := range c.servers {
		states[i] = s.snapshot()
	}
	return states
}

func (s *server) snapshot() ServerState {
	s.pool.mu.Lock()
	sessions := len(s.pool.live)
	s.pool.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	v := ServerState{Name: s.addr.String(), Sessions: sessions, Tested: s.passed, Passed: !s.passed.IsZero()}
	if s.failedFrom.After(s.passed) {
		v.Tested, v.Passed = s.failedFrom, false
	}
	v.Up = s.state == ready || s.state == untested && v.Passed
	// "ClamAV 1.4.3/27800/Sat Nov 21 09:30:00 2026", or the first part alone.
	parts := strings.SplitN(s.version, "/", 3)
	v.Engine = strings.TrimPrefix(parts[0], "ClamAV ")
	if made, known := databaseDate(s.version); known {
		v.Database, v.Made = parts[1], made
	}
	return v
}

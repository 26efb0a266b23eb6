package clamd

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/avirkit/avirkit/plugins/clam/localclamd"
)

// state says whether a server gets files.
type state int

const (
	untested state = iota // a self-test is due, or under way
	ready                 // it has passed its last self-test
	down                  // it has failed its last self-test
)

// server is what is known of one clamd. Its keeper, one goroutine, tests it;
// scans only use it when it is ready, and say what they met with.
type server struct {
	*settings
	addr Address
	news *news
	pool pool
	wake chan struct{} // has room for one: tells the keeper that there is something to do

	lastIP atomic.Value // the address of a name that worked last, a string

	mu    sync.Mutex // guards all that follows
	state state
	busy  int  // scans under way
	used  bool // since the keeper last looked
	dozes bool // the keeper sleeps until the server is used again

	// What the self-tests have found out.
	testing    bool      // one is under way
	thorough   bool      // the next one asks everything, as the server may be another one
	again      bool      // something suspicious came since the last test began
	passed     time.Time // when the last one that was passed began
	retryAt    time.Time // when the next one may begin
	failedFrom time.Time // when the last one that failed began
	failures   int       // tests failed, or servers suspected, since a file was answered
	err        error     // why it is not ready
	downAt     time.Time // when it was first marked down
	fildes     bool      // files go by descriptor
	denied     bool      // clamd did not get a file's descriptor, though it gets test files'
	size       sizes
	version    string
	versions   time.Time           // when it was last asked for its version
	pid        int                 // of the process at the other end of a unix socket, 0 if unknown
	process    *localclamd.Process // nil if it can't be looked at

	// What the log has been told.
	told   bool // that it is down
	toldAt time.Time
	warned map[string]bool // what is wrong with its settings
}

// sizes are the limits of a server, as far as the last thorough test and those
// after it found out.
type sizes struct {
	scanned int64 // bytes; it scans files of this size, or tells that it didn't
	refused int64 // bytes; it calls files of this size clean without a scan; 0 if none is known
	wanted  int64 // bytes; the largest clean file that it has had
	tells   bool  // it tells when a file is over its limits
	chokes  bool  // that question cost the connection: it is not asked again
}

func newServer(addr Address, common *settings, n *news) *server {
	s := &server{settings: common, addr: addr, news: n, wake: make(chan struct{}, 1), thorough: true}
	s.fildes = s.canFildes()
	s.pool = newPool(common)
	return s
}

// canFildes tells whether files may go by descriptor.
func (s *server) canFildes() bool { return s.addr.Network == "unix" && s.Mode != Instream }

// load is what a choice between servers needs to know. A server that nobody
// has used since its last test was due is tested before it gets a file.
func (s *server) load() (is state, busy int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dozes {
		s.dozes = false
		if s.state == ready && s.testIsDue(time.Now()) {
			s.state = untested
		}
		s.poke()
	}
	return s.state, s.busy
}

// testIsDue tells whether the last test is too old for an OK to count.
func (s *server) testIsDue(now time.Time) bool { return now.Sub(s.passed) >= s.SelfTest }

// testIsOverdue tells whether the test that is due, and that scans usually
// don't wait for, has not ended for long.
func (s *server) testIsOverdue() bool {
	return time.Since(s.passed) > s.SelfTest+s.SelfTest/10+time.Second
}

// poke wakes the keeper.
func (s *server) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// acquire counts a scan on the server, if it is still ready.
func (s *server) acquire() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != ready {
		return false
	}
	s.busy++
	s.used = true
	return true
}

// release ends what acquire began.
func (s *server) release() {
	s.mu.Lock()
	s.busy--
	s.mu.Unlock()
}

// answered notes that a file has got a verdict.
func (s *server) answered() {
	s.mu.Lock()
	if s.state == ready {
		s.failures = 0
	}
	s.mu.Unlock()
}

// suspect makes the server pass a test before it gets its next file, unless
// the attempt that met with the error began before the last test did: then
// that test knows.
func (s *server) suspect(began time.Time, err error) (isNews bool) {
	s.mu.Lock()
	old := began.Before(s.passed)
	if !old {
		s.err = err
		s.again, s.thorough = true, true
		if s.state == ready {
			s.state = untested
			s.retryAt = time.Now().Add(s.pauseAfter(s.failures, time.Second))
			s.failures++
		}
		s.poke()
	}
	s.mu.Unlock()
	if !old {
		s.log.Debugf("clamd at %s is tested before its next file: %v", s.addr, err)
		s.pool.dropIdle() // they may be as dead as the one that failed
		s.news.tell()
	}
	return !old
}

// pauseAfter is how long to wait after so many failures. The first suspicion
// is looked into at once.
func (s *server) pauseAfter(failures int, most time.Duration) time.Duration {
	if failures == 0 {
		return 0
	}
	return min(s.times.pause<<min(failures-1, 16), min(most, s.times.pauseTo))
}

// denyDescriptors makes files go as streams from now on: clamd gets the
// descriptors of test files, but not those of the product's.
func (s *server) denyDescriptors() {
	s.mu.Lock()
	s.denied, s.fildes = true, false
	s.mu.Unlock()
	s.warnOnce("descriptor", "gets files by INSTREAM, as it was not given a descriptor: may clamd read the product's files?")
}

func (s *server) byDescriptor() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fildes
}

// problem is why the server is not ready, or nil.
func (s *server) problem() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at(s.err)
}

// at adds the server's address to an error.
func (s *server) at(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("clamd at %s: %w", s.addr, err)
}

// warnOnce logs what is wrong with a server's settings, the first time only:
// a server that comes and goes must not fill the log.
func (s *server) warnOnce(topic, text string) { s.tellOnce(s.log.Warningf, topic, text) }

func (s *server) tellOnce(tell func(string, ...any), topic, text string) {
	s.mu.Lock()
	known := s.warned[topic]
	if s.warned == nil {
		s.warned = map[string]bool{}
	}
	s.warned[topic] = true
	s.mu.Unlock()
	if !known {
		tell("clamd at %s %s", s.addr, text)
	}
}

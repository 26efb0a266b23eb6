package clamd

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

// An OK says little: clamd gives it for what is over its limits, for an
// archive when it has no room for temporary files, and when its engine is
// dead. So an OK counts only where the same connection finds a test virus as
// well, in a file as large. What is behind an address can change with the
// connection; what is behind a connection can't.

const (
	// firstProof is the size of the first test file of a connection. Most
	// files are smaller and need no other proof.
	firstProof = 64 << 10

	// burstGap is the longest pause between two scans of one burst, which
	// share a proof.
	burstGap = 5 * time.Millisecond

	// chokes is for how many seconds a server that gave no answer about a
	// nested archive is not asked again: it may have been restarted just then,
	// or have crashed.
	chokes = 600

	// unscanned names what clamd calls clean without a scan.
	unscanned = "Heuristics.Limits.Exceeded.MaxFileSize"
)

var (
	// errUnfit says that a server answers and can't be trusted.
	errUnfit = errors.New("clamd doesn't find a test virus in a zip file")

	// errRefused says that a server answers and scans nothing now.
	errRefused = errors.New("clamd did not scan a test file")
)

// proof is what is known of the clamd at the other end of a connection.
type proof struct {
	at       time.Time // when it last found the test virus
	believed time.Time // when it was last believed
	size     int64     // bytes; it scans files of this size, or tells that it didn't
	refused  int64     // bytes; it calls files of this size clean without a scan; 0 if none is known
	asked    bool      // whether it tells of its limits was asked
}

// believe returns a reply in place of the OK for a file of size bytes: the OK
// itself if clamd proves that it would have found a virus, and what is known
// instead otherwise. The scan began at the given time.
func (c *Client) believe(x *exchange, s *server, size int64, began time.Time, buf []byte) (reply, error) {
	p := &x.proof
	if began.Sub(p.believed) > burstGap || time.Since(p.at) > c.times.fresh || c.failedSince(s, p.at) {
		if r, err := c.findVirus(x, s, buf); err != nil || r.kind != found {
			return r, err
		}
	}
	if size > p.size {
		if r, err := c.findVirusIn(x, s, size, buf); err != nil || r.kind != found {
			return r, err
		}
	}
	p.believed = time.Now()
	return reply{kind: clean}, nil
}

// prove makes sure that a server finds the test virus, and notes that it is up.
func (c *Client) prove(x *exchange, s *server, buf []byte) error {
	r, err := c.findVirus(x, s, buf)
	switch {
	case err != nil:
		return err
	case r.kind != found:
		return fmt.Errorf("%w: it said %q: check its log", errRefused, shorten(r.text, maxQuote))
	}
	c.up(s)
	return nil
}

// findVirus sends the test virus inside a zip over the scan path.
func (c *Client) findVirus(x *exchange, s *server, buf []byte) (r reply, err error) {
	if x.proof.size < firstProof {
		r, err = c.ask(x, s, testvirus.Plain(firstProof), buf)
	} else {
		r, err = c.askCanary(x, s, buf)
	}
	switch {
	case err != nil:
		return r, err
	case r.kind == found:
		x.proof.at, x.proof.size = time.Now(), max(x.proof.size, firstProof)
	case r.kind == clean:
		return r, fmt.Errorf("%w: check ScanArchive, TemporaryDirectory, MaxFileSize and the database in its clamd.conf", errUnfit)
	}
	return r, nil
}

// findVirusIn makes sure that files of a size are scanned. It returns what is
// to be said of a clean one of that size, or that the virus was found.
func (c *Client) findVirusIn(x *exchange, s *server, size int64, buf []byte) (reply, error) {
	p := &x.proof
	if now := time.Now().Unix(); !p.asked && now-s.choked.Load() > chokes {
		r, err := c.ask(x, s, testvirus.Nested(), buf)
		if err != nil || r.kind == failed {
			s.choked.Store(now)
		}
		if err != nil {
			return r, err
		}
		p.asked = true
		if r.kind == overLimit {
			p.size = math.MaxInt64
			return reply{kind: found}, nil
		}
	}
	if p.refused == 0 || size < p.refused {
		r, err := c.ask(x, s, testvirus.Plain(size), buf)
		switch {
		case err != nil || r.kind != found && r.kind != clean && r.kind != overLimit:
			return r, err
		case r.kind == found:
			p.size = size
			return r, nil
		}
		p.refused = size
	}
	c.warnOnce(s, "limit", fmt.Sprintf("answers OK for files of %d bytes without a scan, and so they are not OK here: "+
		"set AlertExceedsMax yes, or raise MaxFileSize, MaxScanSize and StreamMaxLength in its clamd.conf", size))
	return reply{kind: overLimit, text: unscanned}, nil
}

// ask sends a test file over the scan path of a server.
func (c *Client) ask(x *exchange, s *server, z testvirus.Zip, buf []byte) (reply, error) {
	fd, err := writeSample(z)
	if err != nil {
		return reply{}, err
	}
	defer closeFile(fd)
	return x.scan(s.fildes.Load(), fd, z.Size, buf)
}

// askCanary sends the smallest test file, which is made once: it goes out for
// nearly every clean file.
func (c *Client) askCanary(x *exchange, s *server, buf []byte) (reply, error) {
	z := testvirus.Plain(0)
	c.mu.Lock()
	var err error
	if c.canary < 0 {
		c.canary, err = writeSample(z)
	}
	fd := c.canary
	c.mu.Unlock()
	if err != nil {
		return reply{}, err
	}
	return x.scan(s.fildes.Load(), fd, z.Size, buf)
}

// closeCanary closes the file of askCanary, unless a scan that hangs may
// still use it.
func (c *Client) closeCanary() {
	if c.scanning() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.canary >= 0 {
		closeFile(c.canary)
		c.canary = -1
	}
}

// warnOnce logs what is wrong with a server's settings, the first time only:
// a server that comes and goes must not fill the log.
func (c *Client) warnOnce(s *server, topic, text string) {
	c.mu.Lock()
	known := s.warned[topic]
	if s.warned == nil {
		s.warned = map[string]bool{}
	}
	s.warned[topic] = true
	c.mu.Unlock()
	if !known {
		c.log.Warningf("clamd at %s %s", s.addr, text)
	}
}

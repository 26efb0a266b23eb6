package clamd

import (
	"errors"
	"fmt"
	"math/bits"
)

// smallestLimit is the size of the probe, so that every server that has
// proven itself scans a file of that size.
const smallestLimit = 64 << 10

var (
	// errOverLimit says that no server scans a file of that size.
	errOverLimit = errors.New("larger than a limit")

	// errUnexamined says that a server may scan a file of that size, which is
	// not known yet.
	errUnexamined = errors.New("the limits of clamd are not known yet")
)

// takes tells whether a server is known to scan files of a size, or to say so
// if it doesn't: over its MaxFileSize clamd answers OK. The caller holds the
// client's mutex.
func (s *server) takes(size int64) bool {
	if s.examined {
		return size <= s.limit
	}
	return size <= smallestLimit
}

// stillTakes is takes for a scan that has its session: what has just been
// connected to may be another clamd than the one that was chosen.
func (c *Client) stillTakes(s *server, size int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return s.takes(size)
}

// rank orders servers for a choice, the best first. The caller holds the
// client's mutex.
func (s *server) rank() int {
	switch {
	case s.down:
		return 2
	case !s.examined:
		return 1
	}
	return 0
}

// refusal says why no server takes a file of a size. The caller holds the
// client's mutex.
func (c *Client) refusal() error {
	var (
		known   bool
		largest int64
	)
	for _, s := range c.servers {
		if !s.examined && !s.down {
			return errUnexamined
		}
		if s.examined {
			known, largest = true, max(largest, s.limit)
		}
	}
	if !known {
		return errUnexamined // when one of them is back
	}
	return fmt.Errorf("%w of clamd: %d bytes", errOverLimit, largest)
}

// measure looks for the size up to which clamd really scans a file. It sends
// files of MaxFileSize divided by powers of two, small ones first, and takes
// two steps at once until one is too large. What can't be sent in time isn't
// known to be scanned; a lost connection tells nothing.
func (c *Client) measure(stop stopper, s *server) (limit int64, err error) {
	most := c.MaxFileSize
	limit = min(smallestLimit, most)
	for shift, last := max(bits.Len64(uint64(most/smallestLimit))-1, 0), false; limit < most; {
		size := most >> shift
		r, err := c.askOnce(stop, s, plainZip, size)
		switch {
		case errors.Is(err, errLost) && !errors.Is(err, errSilent), stop.err() != nil:
			return 0, fmt.Errorf("send a file of %d bytes: %w", size, err)
		case err != nil:
			return c.lowerLimit(s, limit, err.Error()), nil
		case r.kind == found:
			limit = size
			if shift = max(shift-2, 0); last && limit < most {
				return c.lowerLimit(s, limit, "larger ones are OK without a scan"), nil
			}
		case r.kind != clean && r.kind != overLimit:
			return c.lowerLimit(s, limit, r.text), nil
		default:
			if shift++; last || most>>shift <= limit {
				return c.lowerLimit(s, limit, "larger ones are OK without a scan"), nil
			}
			last = true
		}
	}
	return limit, nil
}

// lowerLimit returns the limit that was found and warns of it once.
func (c *Client) lowerLimit(s *server, limit int64, why string) int64 {
	c.mu.Lock()
	known := s.limit == limit
	c.mu.Unlock()
	if !known {
		c.log.Warningf("clamd at %s is known to scan files of up to %d bytes (%s), not of MaxFileSize (%d): larger ones are not sent there; "+
			"set AlertExceedsMax yes, or raise MaxFileSize, MaxScanSize and StreamMaxLength in its clamd.conf, or lower MaxFileSize",
			s.addr, limit, shorten(why, maxQuote), c.MaxFileSize)
	}
	return limit
}

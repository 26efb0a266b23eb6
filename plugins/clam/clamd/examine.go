package clamd

import (
	"errors"
	"fmt"
	"time"
)

// examine makes sure that a server can be trusted, which it fails at
// otherwise, and warns about those of its settings that can be seen from
// outside and let a file pass unscanned.
func (c *Client) examine(stop stopper, s *server, deadline time.Time) error {
	err := c.try(stop, s, deadline)
	if err != nil && s.fildes.Load() && c.Mode == Auto && !errors.Is(err, errLost) {
		// Scans on this server may be under way in the old mode: both work.
		byDescriptor := err
		s.fildes.Store(false)
		if err = c.try(stop, s, deadline); err == nil {
			c.log.Warningf("clamd at %s: INSTREAM is used, as FILDES doesn't work: %v", s.addr, byDescriptor)
		} else {
			s.fildes.Store(true)
			err = byDescriptor
		}
	}
	if err != nil {
		return at(s, err)
	}
	c.mu.Lock()
	s.examined = true
	c.mu.Unlock()
	c.checkVersion(stop.ctx, s)
	c.checkSetting(stop, s, deadline, encryptedZip, "encrypted archives", "AlertEncrypted")
	if !c.checkSetting(stop, s, deadline, nestedZip, "what is over its limits and was not scanned", "AlertExceedsMax") {
		c.checkLimit(stop, s, deadline)
	}
	return nil
}

// try proves a server with a fresh session, which it keeps.
func (c *Client) try(stop stopper, s *server, deadline time.Time) error {
	x, err := c.dial(stop.ctx, s.addr, deadline)
	if err != nil {
		return err
	}
	if err := c.probe(stop, s, x, deadline); err != nil {
		x.close()
		return err
	}
	c.prove(s)
	c.keep(s, x)
	return nil
}

// checkSetting warns if clamd calls an archive clean that it can't have
// looked into, and returns whether clamd said that it didn't.
func (c *Client) checkSetting(stop stopper, s *server, deadline time.Time, kind zipKind, what, setting string) (told bool) {
	r, err := c.askOnce(stop, s, deadline, kind, 0)
	if err == nil && r.kind == clean {
		c.log.Warningf("clamd at %s answers OK for %s: set %s yes in its clamd.conf", s.addr, what, setting)
	}
	return err == nil && (r.kind == overLimit || r.kind == encrypted)
}

// smallestLimit is where checkLimit stops looking.
const smallestLimit = 64 << 10

// checkLimit looks for the size up to which clamd really scans a file and
// lowers the client's limit to it: over its own MaxFileSize clamd answers OK.
// It sends large files, so it is left out if clamd tells by itself.
func (c *Client) checkLimit(stop stopper, s *server, deadline time.Time) {
	deadline = earlier(deadline, time.Now().Add(2*c.times.dial))
	configured := c.maxSize.Load()
	for size := configured; size >= smallestLimit; size /= 2 {
		r, err := c.askOnce(stop, s, deadline, plainZip, size)
		switch {
		case err != nil:
			c.log.Warningf("clamd at %s: whether it scans files of %d bytes could not be checked: %v", s.addr, size, err)
			return
		case r.kind == clean, r.kind == overLimit:
			continue
		case r.kind != found:
			c.log.Warningf("clamd at %s: a file of %d bytes: %s", s.addr, size, r.text)
			return
		}
		if size < configured {
			c.lowerLimit(s, size)
		}
		return
	}
	c.log.Warningf("clamd at %s scans no file of %d bytes: check MaxFileSize and MaxScanSize in its clamd.conf", s.addr, smallestLimit)
}

func (c *Client) lowerLimit(s *server, size int64) {
	c.mu.Lock()
	c.maxSize.Store(min(size, c.maxSize.Load()))
	c.mu.Unlock()
	c.log.Warningf("clamd at %s does not scan files of MaxFileSize (%d bytes): larger ones than %d are not sent; "+
		"raise MaxFileSize, MaxScanSize and StreamMaxLength in its clamd.conf or lower MaxFileSize", s.addr, c.MaxFileSize, size)
}

// askOnce asks on a connection of its own.
func (c *Client) askOnce(stop stopper, s *server, deadline time.Time, kind zipKind, size int64) (reply, error) {
	x, err := c.dial(stop.ctx, s.addr, deadline)
	if err != nil {
		return reply{}, err
	}
	defer x.close()
	r, err := c.ask(stop, s, x, deadline, kind, size)
	if err != nil {
		return r, fmt.Errorf("test file: %w", err)
	}
	return r, nil
}

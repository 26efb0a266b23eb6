package clamd

import (
	"errors"
	"fmt"
	"time"
)

// examine makes sure that a server can be trusted, which it fails at
// otherwise, and then looks at its settings.
func (c *Client) examine(stop stopper, s *server, deadline time.Time) error {
	if err := c.meet(stop, s, deadline); err != nil {
		return err
	}
	c.inspect(s)
	return nil
}

// meet proves a server in the fastest mode that works with it.
func (c *Client) meet(stop stopper, s *server, deadline time.Time) error {
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
	return at(s, err)
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

// inspect warns about those settings of a proven server that can be seen from
// outside and let a file pass unscanned, and finds its limit. Only when all
// has been seen does the server get files that are larger than the probe; the
// upkeep inspects again otherwise. It ends by itself or with the client.
func (c *Client) inspect(s *server) {
	c.mu.Lock()
	doubts, begin := s.doubts, time.Now()
	wait := begin.Before(s.inspectAt)
	c.mu.Unlock()
	if wait {
		return
	}
	stop := stopper{c.ctx, &c.closed}
	c.checkVersion(c.ctx, s)
	limit, measured, err := c.checkSettings(stop, s)
	if err != nil && stop.err() == nil {
		c.log.Warningf("clamd at %s: its settings could not be checked: %v", s.addr, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.inspectAt = time.Time{}
	if measured || err != nil {
		// The test files are large: they get a tenth of the time.
		s.inspectAt = time.Now().Add(min(max(10*time.Since(begin), c.times.pauseTo), c.times.rest))
	}
	if err == nil && s.doubts == doubts { // else it may be another clamd by now
		s.limit, s.examined = limit, true
	}
}

// checkSettings looks at the settings one by one and returns the size up to
// which clamd scans a file or tells that it didn't.
func (c *Client) checkSettings(stop stopper, s *server) (limit int64, measured bool, err error) {
	if _, err := c.checkSetting(stop, s, encryptedZip, "encrypted archives", "AlertEncrypted"); err != nil {
		return 0, false, err
	}
	told, err := c.checkSetting(stop, s, nestedZip, "what is over its limits and was not scanned", "AlertExceedsMax")
	if told || err != nil {
		return c.MaxFileSize, false, err
	}
	limit, err = c.measure(stop, s)
	return limit, true, err
}

// checkSetting warns if clamd calls an archive clean that it can't have
// looked into, and returns whether clamd said that it didn't.
func (c *Client) checkSetting(stop stopper, s *server, kind zipKind, what, setting string) (told bool, err error) {
	r, err := c.askOnce(stop, s, kind, 0)
	if err != nil {
		return false, fmt.Errorf("%s: %w", setting, err)
	}
	if r.kind == clean {
		c.log.Warningf("clamd at %s answers OK for %s: set %s yes in its clamd.conf", s.addr, what, setting)
	}
	return r.kind == overLimit || r.kind == encrypted, nil
}

// askOnce asks on a connection of its own, within twice the time of a connect.
func (c *Client) askOnce(stop stopper, s *server, kind zipKind, size int64) (reply, error) {
	deadline := time.Now().Add(2 * c.times.dial)
	x, err := c.dial(stop.ctx, s.addr, deadline)
	if err != nil {
		return reply{}, err
	}
	defer x.close()
	return c.ask(stop, s, x, deadline, kind, size)
}

package clamd

import (
	"errors"
	"fmt"
	"time"

	"github.com/avirkit/avirkit/plugins/clam/testvirus"
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
	fast := s.addr.Network == "unix" && c.Mode != Instream
	s.fildes.Store(fast) // scans on this server may be under way in the other mode: both work
	err := c.try(stop, s, deadline)
	if fast && c.Mode == Auto && (errors.Is(err, errUnfit) || errors.Is(err, errRefused)) {
		byDescriptor := err
		s.fildes.Store(false)
		if err = c.try(stop, s, deadline); err == nil {
			c.warnOnce(s, "fildes", fmt.Sprintf("gets files by INSTREAM, as FILDES doesn't work: %v", byDescriptor))
		} else {
			s.fildes.Store(true)
			err = byDescriptor
		}
	}
	return at(s, err)
}

// try proves a server with a fresh session, which it keeps.
func (c *Client) try(stop stopper, s *server, deadline time.Time) error {
	x, err := c.open(stop, s, deadline)
	if err != nil {
		return err
	}
	if err := c.prove(x, s, make([]byte, bufferSize)); err != nil {
		x.close()
		return err
	}
	c.keep(s, x.session)
	return nil
}

// open begins an exchange on a fresh session, for what is not a scan.
func (c *Client) open(stop stopper, s *server, deadline time.Time) (*exchange, error) {
	x, err := c.dial(stop.ctx, s.addr, deadline)
	if err != nil {
		return nil, err
	}
	return &exchange{stopper: stop, session: x, deadline: deadline, times: &c.times}, nil
}

// inspect warns about those settings of a proven server that can be seen from
// outside and let a file pass unscanned. It ends by itself or with the client.
func (c *Client) inspect(s *server) {
	c.checkVersion(c.ctx, s)
	c.checkSetting(s, testvirus.Encrypted(), "encrypted archives", "AlertEncrypted")
	c.checkSetting(s, testvirus.Nested(), "what is over its limits and was not scanned", "AlertExceedsMax")
}

// checkSetting warns if clamd calls an archive clean that it can't have
// looked into. It asks on a connection of its own, within twice the time of a
// connect.
func (c *Client) checkSetting(s *server, z testvirus.Zip, what, setting string) {
	x, err := c.open(stopper{c.ctx, &c.closed}, s, time.Now().Add(2*c.times.dial))
	if err == nil {
		defer x.close()
		var r reply
		if r, err = c.ask(x, s, z, make([]byte, bufferSize)); r.kind == clean && err == nil {
			c.warnOnce(s, setting, fmt.Sprintf("answers OK for %s: set %s yes in its clamd.conf", what, setting))
		}
	}
	if err != nil && !c.closed.Load() {
		c.warnOnce(s, setting+" unknown", fmt.Sprintf("didn't answer a question about %s: %v", setting, err))
	}
}

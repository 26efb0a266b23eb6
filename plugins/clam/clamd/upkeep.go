package clamd

import (
	"errors"
	"time"
)

// startUpkeep starts the goroutine that looks after the servers and the idle
// sessions until Close. A server that is not up by now is down from here.
func (c *Client) startUpkeep() {
	for _, s := range c.servers {
		c.mu.Lock()
		down := s.down
		if down {
			s.downSince = time.Now()
			s.told, s.toldAt = true, s.downSince
		}
		c.mu.Unlock()
		if down {
			c.log.Warningf("clamd at %s is not ready; scans go to the others", s.addr)
		}
	}
	stop := stopper{c.ctx, &c.closed}
	c.spawn(func() {
		for stop.sleep(time.Now().Add(c.times.tick)) == nil {
			for _, s := range c.servers {
				c.keepAlive(stop, s)
				c.lookAfter(stop, s)
			}
		}
	})
}

// keepAlive closes a server's sessions that have been idle long, which take
// places in clamd's queue, and sends PING on the others before clamd's
// ReadTimeout ends them.
func (c *Client) keepAlive(stop stopper, s *server) {
	var old, still []*session
	now := time.Now()
	c.mu.Lock()
	keep := s.idle[:0]
	for _, x := range s.idle {
		switch {
		case now.Sub(x.active) > c.times.giveUp:
			old = append(old, x)
		case now.Sub(x.active) > c.times.ping && now.Sub(x.pinged) > c.times.ping:
			still = append(still, x)
		default:
			keep = append(keep, x)
		}
	}
	clear(s.idle[len(keep):])
	s.idle = keep
	c.mu.Unlock()
	for _, x := range old {
		x.close()
	}
	for _, x := range still {
		c.spawn(func() {
			err := x.ping()
			if err == nil {
				err = x.pong(stop, time.Now().Add(c.times.dial))
			}
			if err == nil {
				c.keep(s, x)
				return
			}
			c.log.Debugf("clamd at %s: an idle session ended: %v", s.addr, err)
			x.close()
			if !errors.Is(err, errTimeout) { // a slow PING says that clamd is busy
				c.dropIdle(s)
			}
		})
	}
}

// lookAfter examines a server that is down when its pause is over.
func (c *Client) lookAfter(stop stopper, s *server) {
	now := time.Now()
	c.mu.Lock()
	look := s.down && !s.examining && !now.Before(s.downUntil)
	s.examining = s.examining || look
	c.mu.Unlock()
	if !look {
		return
	}
	c.spawn(func() {
		defer c.examinationEnds(s)
		err := c.examine(stop, s, now.Add(c.ScanTimeout))
		switch {
		case err == nil || stop.err() != nil:
		case notItsFault(err):
			c.note(s, err)
		default:
			c.fail(s, err)
		}
	})
}

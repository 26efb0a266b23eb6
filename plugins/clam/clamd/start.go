package clamd

import (
	"errors"
	"fmt"
	"time"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/wire"
)

// Start starts the servers' keepers and waits until one server is ready,
// StartupTimeout at most. The others then have a moment more; those that are
// not ready by then are told of in the log, and left to their keepers. A
// client whose Start failed needs no Close.
func (c *Client) Start() error {
	for _, s := range c.servers {
		c.running.Add(1)
		api.Go(c.log, func() {
			defer c.running.Done()
			s.keep(c.ctx)
		})
	}
	begin := time.Now()
	end := time.NewTimer(c.StartupTimeout)
	defer end.Stop()
	for first, late := true, false; ; {
		change := c.news.next()
		isReady, settled := c.progress(time.Since(begin) > c.times.grace)
		if isReady > 0 && first {
			first = false
			end.Reset(c.times.grace)
		}
		if settled || late {
			if isReady == 0 {
				return c.notStarted()
			}
			for _, s := range c.servers {
				s.tellNotReady()
			}
			return nil
		}
		select {
		case <-change:
		case <-end.C:
			late = true
		case <-c.ctx.Done():
			return errClosed
		}
	}
}

// progress counts the servers that are ready, and tells whether the others
// won't be soon. One that answers and can't be trusted won't be better in a
// second, and one that refuses to scan only if it was short of something.
func (c *Client) progress(patient bool) (isReady int, settled bool) {
	settled = true
	for _, s := range c.servers {
		s.mu.Lock()
		switch {
		case s.state == ready:
			isReady++
		case s.state == down && cantBeTrusted(s.err, patient):
		default:
			settled = false
		}
		s.mu.Unlock()
	}
	return isReady, settled
}

// notStarted closes the client and says why no server is ready.
func (c *Client) notStarted() error {
	var errs []error
	for _, s := range c.servers {
		switch err := s.problem(); {
		case err == nil:
			errs = append(errs, fmt.Errorf("clamd at %s did not answer within StartupTimeout: does it hang, or is its queue full?", s.addr))
		case remedy(err) == "" || errors.Is(err, wire.ErrSilent):
			errs = append(errs, err)
		default:
			errs = append(errs, fmt.Errorf("%w: %s", err, remedy(err)))
		}
	}
	c.Close()
	return fmt.Errorf("no clamd is ready: %w", errors.Join(errs...))
}

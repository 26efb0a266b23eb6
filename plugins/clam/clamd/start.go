package clamd

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Start waits until a server has proven itself and its settings were looked
// at, StartupTimeout at most, and looks after the servers from then on. All
// are tried at the same time; the ones that are not ready shortly after the
// first are left to the upkeep, or go on to be inspected. A client whose Start
// failed needs no Close.
func (c *Client) Start() error {
	ctx, cancel := context.WithTimeout(c.ctx, c.StartupTimeout)
	defer cancel()
	proofs := make(chan error, len(c.servers))
	inspected := make(chan struct{}, len(c.servers))
	for _, s := range c.servers {
		s.examining = true
		c.spawn(func() {
			defer c.examinationEnds(s)
			err := c.startServer(ctx, s)
			proofs <- err
			if err == nil {
				c.inspect(s) // which Start may not wait for
				inspected <- struct{}{}
			}
		})
	}
	var (
		errs       []error
		inspecting int
		late       bool
		end        = time.NewTimer(c.StartupTimeout)
	)
	defer end.Stop()
	for proving := len(c.servers); proving > 0 || inspecting > 0 && !late; {
		select {
		case err := <-proofs:
			proving--
			if err != nil {
				errs = append(errs, startAdvice(err))
			} else {
				inspecting++
			}
		case <-inspected:
			inspecting--
			end.Reset(c.times.grace)
		case <-end.C:
			cancel() // what is still to be proven ends now, with its last error
			late = true
		}
	}
	if len(errs) == len(c.servers) {
		c.Close()
		return fmt.Errorf("no clamd is ready: %w", errors.Join(errs...))
	}
	c.startUpkeep()
	return nil
}

// startAdvice adds what an administrator can do.
func startAdvice(err error) error {
	advice := remedy(err)
	if errors.Is(err, errDeadline) || errors.Is(err, context.Canceled) {
		advice = "not within StartupTimeout; does it hang, or is its queue full?"
	}
	if advice == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, advice)
}

// startServer tries a server until it has proven itself or ctx is done. One
// that answers and can't be trusted won't be better in a second, and one that
// refuses to scan only if it was short of something.
func (c *Client) startServer(ctx context.Context, s *server) error {
	stop := stopper{ctx, &c.closed}
	deadline, _ := ctx.Deadline()
	var last error
	begin := time.Now()
	for pause := c.times.pause; ; pause = min(2*pause, c.times.tick) {
		err := c.meet(stop, s, deadline)
		if err == nil || errors.Is(err, errUnfit) || errors.Is(err, errRefused) && time.Since(begin) > c.times.grace {
			return err
		}
		if last == nil || stop.err() == nil && !errors.Is(last, errRefused) { // which says most
			last = err
		}
		if stop.sleep(time.Now().Add(pause)) != nil {
			return last
		}
	}
}

// examinationEnds leaves a server to the upkeep.
func (c *Client) examinationEnds(s *server) {
	c.mu.Lock()
	s.examining = false
	c.mu.Unlock()
}

package clamd

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Start waits until a server has proven itself, StartupTimeout at most, and
// looks after the servers from then on. All are tried at the same time; the
// ones that are not ready shortly after the first are left to the upkeep. A
// client whose Start failed needs no Close.
func (c *Client) Start() error {
	deadline := time.Now().Add(c.StartupTimeout)
	ctx, cancel := context.WithDeadline(c.ctx, deadline)
	defer cancel()
	results := make(chan error, len(c.servers))
	for _, s := range c.servers {
		c.spawn(func() { results <- c.startServer(ctx, s, deadline) })
	}
	var (
		errs  []error
		ready int
		end   = time.NewTimer(c.StartupTimeout)
	)
	defer end.Stop()
	for waiting := len(c.servers); waiting > 0; waiting-- {
		select {
		case err := <-results:
			if err != nil {
				errs = append(errs, err)
			} else if ready++; ready == 1 {
				end.Reset(c.times.grace)
			}
		case <-end.C:
			cancel() // what is still tried ends now, with its last error
			waiting++
		}
	}
	if ready == 0 {
		cancel()
		c.Close()
		return fmt.Errorf("no clamd is ready: %w", errors.Join(errs...))
	}
	c.startUpkeep()
	return nil
}

// startServer tries a server until it has proven itself or ctx is done. One
// that answers and can't be trusted won't be better in a second.
func (c *Client) startServer(ctx context.Context, s *server, deadline time.Time) error {
	stop := stopper{ctx, &c.closed}
	var last error
	for pause := c.times.pause; ; pause = min(2*pause, c.times.tick) {
		err := c.examine(stop, s, deadline)
		if err == nil || errors.Is(err, errUnfit) {
			return err
		}
		if last == nil || stop.err() == nil {
			last = err
		}
		if stop.sleep(time.Now().Add(pause)) != nil {
			return last
		}
	}
}

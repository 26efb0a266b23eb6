package lifecycle

import (
	"context"
	"sync"
	"time"
)

// scanContext is the context of one scan. A scanner that only asks for the
// deadline, as one that sets it on a connection does, costs one small
// allocation, because Done makes the channel and the timer. Whoever holds the
// lock of a scanContext may take the run's, never the other way round.
type scanContext struct {
	run    *run
	thread *Thread
	end    time.Duration // the deadline, counted from the run's beginning, which is cheaper than a time.Time

	mu    sync.Mutex
	done  chan struct{}
	timer *time.Timer
	err   error
}

func newScanContext(t *Thread) *scanContext {
	return &scanContext{run: t.run, thread: t, end: time.Since(t.run.began) + t.run.timeout}
}

func (c *scanContext) Deadline() (time.Time, bool) { return c.run.began.Add(c.end), true }

func (c *scanContext) remaining() time.Duration { return c.end - time.Since(c.run.began) }

func (c *scanContext) Value(any) any { return nil }

func (c *scanContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done != nil {
		return c.done
	}
	c.done = make(chan struct{})
	if c.err == nil && c.run.watch(c) {
		c.err = context.Canceled
	}
	if c.err != nil {
		close(c.done)
	} else {
		c.timer = time.AfterFunc(c.remaining(), func() { c.cancel(context.DeadlineExceeded) })
	}
	return c.done
}

func (c *scanContext) Err() error {
	c.mu.Lock()
	err := c.err
	c.mu.Unlock()
	switch {
	case err != nil:
		return err
	case c.thread.ending():
		c.cancel(context.Canceled)
	case c.remaining() <= 0:
		c.cancel(context.DeadlineExceeded)
	default:
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// cancel ends c with err, unless it has ended already, stops its timer and
// makes the run forget it.
func (c *scanContext) cancel(err error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = err
	waited := c.done != nil
	if waited {
		close(c.done)
		c.timer.Stop()
	}
	c.mu.Unlock()
	if waited {
		c.run.forget(c)
	}
}

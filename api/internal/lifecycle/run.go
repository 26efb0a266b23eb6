package lifecycle

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/avirkit/avirkit/api"
)

// run is the time between one Init and its Close.
type run struct {
	library *Library
	sink    Sink
	config  api.Config // what Init got
	log     *api.Logger
	began   time.Time
	timeout time.Duration
	closed  atomic.Bool   // set when Close begins, for code that polls
	closing chan struct{} // closed at the same moment, for code that waits

	mu      sync.Mutex
	threads map[*Thread]struct{}
	scans   map[*scanContext]struct{} // contexts whose Done was called, and which Close must cancel
}

func newRun(l *Library, sink Sink) *run {
	timeout := l.info.ScanTimeout
	if timeout <= 0 {
		timeout = api.DefaultScanTimeout
	}
	return &run{
		library: l, sink: sink, config: l.Config(), log: api.NewLogger(sink.Write),
		began: time.Now(), timeout: timeout,
		closing: make(chan struct{}),
		threads: map[*Thread]struct{}{},
		scans:   map[*scanContext]struct{}{},
	}
}

// add makes t known to close, or fails because close has begun.
func (r *run) add(t *Thread) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed.Load() {
		return errClosing
	}
	r.threads[t] = struct{}{}
	return nil
}

func (r *run) remove(t *Thread) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.threads, t)
}

// end cancels the scan of t, which is being closed.
func (r *run) end(t *Thread) {
	r.mu.Lock()
	t.closing.Store(true)
	var scan *scanContext
	for c := range r.scans {
		if c.thread == t {
			scan = c
		}
	}
	r.mu.Unlock()
	if scan != nil {
		scan.cancel(context.Canceled)
	}
}

// watch makes close cancel c, or tells that c's thread or the run is already ending.
func (r *run) watch(c *scanContext) (closed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.thread.ending() {
		return true
	}
	r.scans[c] = struct{}{}
	return false
}

func (r *run) forget(c *scanContext) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.scans, c)
}

// close cancels all scans and closes all scanners. It waits for scans that
// have not answered, but no longer than closeLimit for all together: an
// inline scan that hangs can't be taken off the host's thread.
func (r *run) close() {
	r.mu.Lock()
	r.closed.Store(true)
	close(r.closing)
	scans, threads := r.scans, r.threads
	r.scans, r.threads = map[*scanContext]struct{}{}, map[*Thread]struct{}{}
	r.mu.Unlock()
	for c := range scans {
		c.cancel(context.Canceled)
	}
	deadline := time.Now().Add(closeLimit)
	var closed sync.WaitGroup
	for t := range threads {
		closed.Add(1)
		go func() {
			defer closed.Done()
			_ = t.closeBy(deadline) // it has logged what the plugin said
		}()
	}
	closed.Wait()
}

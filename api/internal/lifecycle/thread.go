package lifecycle

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/api/internal/text"
)

// Thread is what the host knows as a context: the scanner of one host thread.
type Thread struct {
	run     *run
	closing atomic.Bool // set before Close waits for the lock

	mu      sync.Mutex // held while a scanner is made and during a scan
	scanner scanner    // nil before the first scan after a scanner was lost
	closed  bool
}

var errClosing = errors.New("the plugin is being closed")

// scanner is an author's api.Scanner, guarded in one of two ways: inline or
// on a goroutine of its own.
type scanner interface {
	// scan returns at its deadline, unless it is inline and the author's Scan
	// doesn't. After lost, the scanner must not be used or closed any more.
	scan(ctx *scanContext, file api.File) (result api.Result, lost bool)
	close() error
}

// NewThread makes the scanner for one more thread of the host.
func (l *Library) NewThread() (*Thread, error) {
	r := l.run.Load()
	if r == nil {
		return nil, errors.New("the plugin is not initialised")
	}
	t := &Thread{run: r}
	t.mu.Lock()
	defer t.unlock()
	err := r.add(t) // first, so that Library.Close waits for NewScanner
	if err == nil {
		err = t.open()
	}
	if err == nil && t.ending() {
		err = errClosing
	}
	if err != nil {
		_ = t.shut()
		r.log.Errorf("a new scanning thread: %v", err)
		return nil, l.fail(err)
	}
	return t, nil
}

// open makes the thread's scanner, or a new one after the old one was lost.
func (t *Thread) open() (err error) {
	if t.run.library.info.Inline {
		t.scanner, err = newInline(t.run)
	} else {
		t.scanner, err = newWorker(t.run)
	}
	if err != nil {
		t.scanner = nil // err left an interface that holds a nil pointer
	}
	return err
}

// Scan checks one file. The answer is Failed when the author's code panics,
// or misses its deadline on a goroutine of its own.
func (t *Thread) Scan(file api.File) api.Result {
	// TryLock, because the host may call again from its log callback, on the
	// thread that holds the lock. Don't log this refusal: logging would call
	// the host again.
	if !t.mu.TryLock() {
		return failed("this context is scanning already")
	}
	defer t.unlock()
	if t.closed || t.ending() {
		return failed("the plugin is closed")
	}
	if t.scanner == nil {
		if err := t.open(); err != nil {
			t.run.log.Errorf("scan of %s: %v", name(file), err)
			return failed(err.Error())
		}
	}
	ctx := newScanContext(t)
	result, lost := t.scanner.scan(ctx, file)
	ctx.cancel(context.Canceled)
	if lost {
		t.scanner = nil
	}
	return checked(t.run.log, file, result)
}

// Close closes the thread's scanner. It is called after Library.Close as
// well, and may be called more than once.
func (t *Thread) Close() error {
	t.run.end(t)
	return t.closeBy(time.Now().Add(closeLimit))
}

// ending tells whether the thread or the plugin is being closed.
func (t *Thread) ending() bool { return t.closing.Load() || t.run.closed.Load() }

// unlock unlocks. If a close gave up waiting for the lock, it closes the
// scanner first.
func (t *Thread) unlock() {
	if t.ending() {
		_ = t.shut()
	}
	t.mu.Unlock()
}

// closeBy waits for a running scan until deadline. A scan that takes longer
// closes the scanner when it unlocks.
func (t *Thread) closeBy(deadline time.Time) error {
	for !t.mu.TryLock() {
		if time.Now().After(deadline) {
			return errors.New("a scan is still running")
		}
		time.Sleep(time.Millisecond)
	}
	defer t.mu.Unlock()
	return t.shut()
}

// shut closes the scanner for good. The caller holds the lock.
func (t *Thread) shut() error {
	defer t.run.remove(t) // at the end, because Library.Close waits for the threads that it knows
	t.closed = true
	if t.scanner == nil {
		return nil
	}
	err := t.scanner.close()
	t.scanner = nil
	if err != nil {
		t.run.log.Warningf("closing a scanner: %v", err)
	}
	return err
}

func failed(text string) api.Result { return api.Result{Verdict: api.Failed, Text: text} }

// name is the end of a file's path, short enough to leave a log line room for
// the reason.
func name(file api.File) string { return text.Tail(file.Path, 100) }

// checked replaces what the host doesn't understand in a plugin's answer.
func checked(log *api.Logger, file api.File, result api.Result) api.Result {
	switch {
	case result.Verdict == api.VirusCured:
		// The host can't take over a file that the plugin has changed; as
		// VirusFound it drops the file.
		log.Warningf("scan of %s: VIRUS_CURED is not supported, answered as VIRUS_FOUND", name(file))
		result.Verdict = api.VirusFound
	case result.Verdict < api.Failed || result.Verdict > api.Error:
		log.Errorf("scan of %s: the plugin answered with the unknown verdict %d", name(file), int(result.Verdict))
		return failed("unknown verdict")
	}
	switch {
	case result.Verdict == api.OK:
		result.Text = ""
	case result.Verdict == api.VirusFound && result.Text == "":
		result.Text = "unnamed virus"
	}
	return result
}

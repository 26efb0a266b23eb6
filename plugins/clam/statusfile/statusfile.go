// Package statusfile writes what avir_clam does into a file, in the text format
// of Prometheus. docs/administrator.md lists the metrics.
//
// A scan only adds to counters. One goroutine writes the file: at once when a
// server goes down or comes back, and otherwise at most every 15 s, if
// something has happened. It sleeps while nothing does.
//
// So an old file may be that of an idle plugin or of one that was killed. While
// it lives, the plugin holds a lock (flock) on the file: a reader that could
// have the lock knows that the plugin is gone.
package statusfile

import (
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/clamd"
)

// Source is what the file tells of; a clamd.Client is one.
type Source interface {
	Bytes() int64
	Repeats() int64
	States() []clamd.ServerState
	Changed() <-chan struct{}
}

// bounds are the upper ends of the histogram's buckets.
var bounds = [...]time.Duration{
	time.Millisecond, 5 * time.Millisecond, 25 * time.Millisecond, 100 * time.Millisecond,
	500 * time.Millisecond, 2500 * time.Millisecond, 10 * time.Second, time.Minute,
}

// verdicts are the values of the label, in the file's order.
var verdicts = [...]struct {
	verdict api.Verdict
	label   string
}{{api.OK, "ok"}, {api.VirusFound, "virus"}, {api.Impossible, "impossible"}, {api.Failed, "failed"}, {api.Error, "error"}}

// every is the least time between two writes for which no server has changed.
const every = 15 * time.Second

// File is a status file that is kept up to date. A nil File does nothing.
type File struct {
	path    string
	version string
	source  Source
	log     *api.Logger
	started time.Time
	every   time.Duration

	scans   [len(verdicts)]atomic.Int64
	buckets [len(bounds) + 1]atomic.Int64 // the last one is for longer scans
	nanos   atomic.Int64                  // of all scans

	news   atomic.Bool   // something has happened since the last write
	wake   chan struct{} // has room for one
	closed chan struct{}
	ended  sync.WaitGroup
	failed bool     // the last write did, and the log was told
	held   *os.File // the file at path, with the lock on it
}

// Open begins to keep the file at path.
func Open(path, version string, source Source, log *api.Logger) *File {
	f := open(path, version, source, log)
	f.begin()
	return f
}

func open(path, version string, source Source, log *api.Logger) *File {
	return &File{path: path, version: version, source: source, log: log, started: time.Now(), every: every,
		wake: make(chan struct{}, 1), closed: make(chan struct{})}
}

func (f *File) begin() {
	f.news.Store(true)
	f.wake <- struct{}{}
	f.ended.Add(1)
	api.Go(f.log, func() {
		defer f.ended.Done()
		f.keep()
	})
}

// Scanned counts a scan. It allocates nothing and never waits.
func (f *File) Scanned(verdict api.Verdict, took time.Duration) {
	if f == nil {
		return
	}
	for i := range verdicts {
		if verdicts[i].verdict == verdict {
			f.scans[i].Add(1)
		}
	}
	bucket := 0
	for bucket < len(bounds) && took > bounds[bucket] {
		bucket++
	}
	f.buckets[bucket].Add(1)
	f.nanos.Add(int64(took))
	if f.news.Load() || !f.news.CompareAndSwap(false, true) {
		return // the next write has it
	}
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Close ends the upkeep and removes the file: what it says is no longer so.
func (f *File) Close() {
	if f == nil {
		return
	}
	close(f.closed)
	f.ended.Wait()
	_ = os.Remove(f.path)
	f.hold(nil)
}

// keep writes the file until Close.
func (f *File) keep() {
	var last time.Time
	var up []bool
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		changed := f.source.Changed()
		states := f.source.States()
		now := upOf(states)
		if !equal(up, now) || f.news.Load() && time.Since(last) >= f.every {
			f.news.Store(false)
			f.write(states)
			last, up = time.Now(), now
		}
		timer.Stop()
		if f.news.Load() {
			timer.Reset(max(0, f.every-time.Since(last)))
		}
		select {
		case <-f.closed:
			return
		case <-changed:
			f.news.Store(true) // a test has ended
		case <-f.wake:
		case <-timer.C:
		}
	}
}

func upOf(states []clamd.ServerState) []bool {
	up := make([]bool, len(states))
	for i, s := range states {
		up[i] = s.Up
	}
	return up
}

func equal(a, b []bool) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// write replaces the file, so that a reader sees the old one or the new one.
func (f *File) write(states []clamd.ServerState) {
	beside := f.path + ".new" // which no collector reads: it wants .prom at the end
	file, err := f.writeTo(beside, states)
	if err == nil {
		if err = os.Rename(beside, f.path); err == nil {
			f.hold(file)
		} else {
			_ = file.Close()
		}
	}
	if err != nil {
		_ = os.Remove(beside)
		if !f.failed {
			f.log.Warningf("option StatusFile: %v; the file is written when that is possible", err)
		}
	}
	f.failed = err != nil
}

// hold keeps a file open, and with it its lock, instead of the one before.
func (f *File) hold(file *os.File) {
	if f.held != nil {
		_ = f.held.Close()
	}
	f.held = file
}

// writeTo returns the open file, with a lock on it where the file system knows
// locks.
func (f *File) writeTo(path string, states []clamd.ServerState) (file *os.File, err error) {
	_ = os.Remove(path) // of a process that was killed
	// O_EXCL follows no link that somebody put there.
	file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	err = file.Chmod(0o644) // whatever the umask is
	if err == nil {
		_ = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		_, err = io.WriteString(file, f.text(states))
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	return file, nil
}

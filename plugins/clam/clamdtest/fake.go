package clamdtest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"testing"
)

// Fake is a clamd that finds EICAR, also in zip files, reports encrypted zip
// files, and misbehaves on demand. Its methods may be called from any
// goroutine.
type Fake struct {
	Addr   string // of TCP, empty if it has none
	Socket string // path of the unix socket, empty if it has none

	mu        sync.Mutex
	listeners []net.Listener
	open      map[*fakeConn]struct{}
	closed    bool
	fault     Fault
	changed   chan struct{} // closed by Set
	accepted  int
	scans     int
	pings     int
	done      sync.WaitGroup
}

// NewFake starts a fake at a TCP address, a unix socket's path, or both; an
// empty one is left out. What stands at the path is removed.
func NewFake(address, socket string) (*Fake, error) {
	f := &Fake{Socket: socket, open: map[*fakeConn]struct{}{}, changed: make(chan struct{})}
	if address != "" {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return nil, fmt.Errorf("start fake clamd: %w", err)
		}
		f.Addr = l.Addr().String()
		f.serve(l)
	}
	if socket != "" {
		_ = os.Remove(socket)
		l, err := net.Listen("unix", socket)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("start fake clamd: %w", err)
		}
		f.serve(l)
	}
	return f, nil
}

// StartFake starts a fake with both kinds of socket for a test.
func StartFake(tb testing.TB) *Fake {
	tb.Helper()
	dir, err := os.MkdirTemp("", "fakeclamd")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	f, err := NewFake("127.0.0.1:0", dir+"/clamd.sock")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(f.Close)
	return f
}

func (f *Fake) serve(l net.Listener) {
	f.mu.Lock()
	f.listeners = append(f.listeners, l)
	f.mu.Unlock()
	f.done.Add(1)
	go func() {
		defer f.done.Done()
		for {
			conn, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				f.handle(conn)
			}
		}
	}()
}

func (f *Fake) handle(conn net.Conn) {
	c := newFakeConn(f, conn)
	f.mu.Lock()
	f.accepted++
	closed := f.closed
	if !closed {
		f.open[c] = struct{}{}
		f.done.Add(1)
	}
	f.mu.Unlock()
	if closed {
		_ = conn.Close()
		return
	}
	go func() {
		defer f.done.Done()
		c.serve()
		f.mu.Lock()
		delete(f.open, c)
		f.mu.Unlock()
	}()
}

// Accepted returns how many connections there have been.
func (f *Fake) Accepted() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.accepted
}

// Open returns how many connections there are.
func (f *Fake) Open() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.open)
}

// Scans returns how many files were sent, the ones of start-up included.
func (f *Fake) Scans() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.scans
}

// Pings returns how often PING was asked.
func (f *Fake) Pings() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pings
}

// Hangup ends all connections, as a restart does.
func (f *Fake) Hangup() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.open {
		c.hangup()
	}
}

// Close ends the fake with all its connections and waits for that.
func (f *Fake) Close() {
	f.mu.Lock()
	f.closed = true
	for _, l := range f.listeners {
		_ = l.Close()
	}
	f.listeners = nil
	f.mu.Unlock()
	f.Hangup()
	f.done.Wait()
}

// Package fakeclamd is a clamd that finds the test virus, and misbehaves in the
// ways in which a real one does not on demand.
package fakeclamd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
)

// Server is a clamd that finds EICAR, also in zip files, reports encrypted zip
// files, and misbehaves on demand. Its methods may be called from any
// goroutine.
type Server struct {
	Addr   string // of TCP, empty if it has none
	Socket string // path of the unix socket, empty if it has none

	mu        sync.Mutex
	listeners []net.Listener
	open      map[*conn]struct{}
	closed    bool
	fault     Fault
	changed   chan struct{} // closed by Set
	accepted  int
	scans     int
	plain     int
	pings     int
	version   string
	done      sync.WaitGroup
}

// New starts a fake at a TCP address, a unix socket's path, or both; an
// empty one is left out. What stands at the path is removed.
func New(address, socket string) (*Server, error) {
	f := &Server{Socket: socket, open: map[*conn]struct{}{}, changed: make(chan struct{}), version: "ClamAV 1.4.6"}
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

func (f *Server) serve(l net.Listener) {
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

func (f *Server) handle(accepted net.Conn) {
	c := newConn(f, accepted)
	f.mu.Lock()
	f.accepted++
	closed := f.closed
	if !closed {
		f.open[c] = struct{}{}
		f.done.Add(1)
	}
	f.mu.Unlock()
	if closed {
		_ = accepted.Close()
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
func (f *Server) Accepted() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.accepted
}

// Open returns how many connections there are.
func (f *Server) Open() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.open)
}

// Scans returns how many files were sent, the ones of start-up included.
func (f *Server) Scans() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.scans
}

// Plain returns how many files were sent that are no archives, as those of
// self-tests are. A file counts when its first chunk has come.
func (f *Server) Plain() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.plain
}

// Pings returns how often PING was asked.
func (f *Server) Pings() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pings
}

// SetVersion changes the answer to VERSION.
func (f *Server) SetVersion(version string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.version = version
}

func (f *Server) versionNow() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.version
}

// Hangup ends all connections, as a restart does.
func (f *Server) Hangup() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.open {
		c.hangup()
	}
}

// Close ends the fake with all its connections and waits for that.
func (f *Server) Close() {
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

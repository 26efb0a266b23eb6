package realclamd

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// stopLimit is how long clamd may take to end by itself after SIGTERM.
const stopLimit = 20 * time.Second

// PID returns the process id of the running clamd, or 0.
func (c *Clamd) PID() int {
	if c.cmd == nil {
		return 0
	}
	return c.cmd.Process.Pid
}

// Output returns the end of what clamd has printed.
func (c *Clamd) Output() string { return c.output.String() }

// Stop ends clamd with SIGTERM, with SIGKILL if that doesn't help. It does
// nothing if clamd doesn't run.
func (c *Clamd) Stop() error { return c.end(syscall.SIGTERM) }

// Kill ends clamd with SIGKILL, as a crash does.
func (c *Clamd) Kill() error { return c.end(syscall.SIGKILL) }

// Restart stops and starts clamd at the same port and socket.
func (c *Clamd) Restart() error {
	if err := c.Stop(); err != nil {
		return err
	}
	return c.Start()
}

// Pause stops clamd's process: its sockets still take connections, which
// nobody answers.
func (c *Clamd) Pause() error { return c.signal(syscall.SIGSTOP) }

// Resume ends Pause.
func (c *Clamd) Resume() error { return c.signal(syscall.SIGCONT) }

// Reload asks clamd to load its database again and returns when it has
// agreed, which is before it has done so.
func (c *Clamd) Reload() error {
	conn, err := net.DialTimeout("unix", c.Socket, 5*time.Second)
	if err != nil {
		return fmt.Errorf("reload clamd: %w", err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(conn, "zRELOAD\x00"); err != nil {
		return fmt.Errorf("reload clamd: %w", err)
	}
	reply, err := io.ReadAll(io.LimitReader(conn, 64))
	if err != nil {
		return fmt.Errorf("reload clamd: %w", err)
	}
	if string(reply) != "RELOADING\x00" {
		return fmt.Errorf("reload clamd: answered with %q", reply)
	}
	return nil
}

func (c *Clamd) signal(sig syscall.Signal) error {
	if c.cmd == nil {
		return errors.New("clamd doesn't run")
	}
	if err := c.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("send %v to clamd: %w", sig, err)
	}
	return nil
}

func (c *Clamd) end(sig syscall.Signal) error {
	if c.cmd == nil {
		return nil
	}
	process, exited := c.cmd.Process, c.exited
	c.cmd = nil
	_ = process.Signal(sig)
	// A paused process takes SIGTERM only when it runs again.
	_ = process.Signal(syscall.SIGCONT)
	select {
	case <-exited:
		return nil
	case <-time.After(stopLimit):
	}
	_ = process.Kill()
	<-exited
	return fmt.Errorf("clamd did not end within %v of %v and was killed", stopLimit, sig)
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(p []byte) (int, error) {
	const keep = 4 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - keep; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	if t == nil {
		return ""
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}

// Package host runs avserver, the C program that loads a plugin as the
// product's antivirus server does, and talks with it over a pair of pipes. A
// plugin that crashes or hangs takes avserver along, never the harness.
package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Host is one running avserver.
type Host struct {
	cmd      *exec.Cmd
	requests *os.File
	stdout   capture
	stderr   capture
	ended    chan struct{} // closed when the process is gone and reaped
	stopKill func() bool   // unregisters the kill on cancellation

	mu      sync.Mutex
	next    int
	waiting map[string]*Pending
	gone    bool // the replies have ended: nothing more will be answered
	killed  bool
	logs    []Line
	dangers []string
}

// Line is one line that the plugin logged.
type Line struct {
	Level string // debug, progress, warning, error or security
	Text  string
}

// Start runs avserver with the given arguments in front of --serve. The
// process and all that it starts are killed when ctx ends. With env nil, it
// gets the harness's environment without the variables that steer a Go runtime.
func Start(ctx context.Context, avserver string, args, env []string) (*Host, error) {
	return StartAs(ctx, avserver, args, env, nil)
}

// StartAs is Start with the identity of another user, who runs the product; nil
// is for this one.
func StartAs(ctx context.Context, avserver string, args, env []string, user *syscall.Credential) (*Host, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	fromHarness, requests, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe to avserver: %w", err)
	}
	replies, toHarness, err := os.Pipe()
	if err != nil {
		fromHarness.Close()
		requests.Close()
		return nil, fmt.Errorf("make a pipe from avserver: %w", err)
	}
	defer fromHarness.Close()
	defer toHarness.Close()
	h := &Host{
		cmd:      exec.Command(avserver, append(args[:len(args):len(args)], "--serve")...),
		requests: requests,
		ended:    make(chan struct{}),
		waiting:  map[string]*Pending{},
	}
	h.cmd.Stdout, h.cmd.Stderr = &h.stdout, &h.stderr
	h.cmd.ExtraFiles = []*os.File{fromHarness, toHarness} // descriptors 3 and 4
	h.cmd.Env = env
	if env == nil {
		h.cmd.Env = Environment()
	}
	// A group of its own: Ctrl-C reaches the harness alone, which then ends
	// the group. What a plugin left behind must not hold our pipes for ever.
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: user}
	h.cmd.WaitDelay = time.Second
	if err := h.start(); err != nil {
		requests.Close()
		replies.Close()
		return nil, explainStart(avserver, err)
	}
	go h.read(replies)
	go func() {
		h.reap()
		// A child that the plugin left behind may hold the other end open.
		_ = replies.SetReadDeadline(time.Now().Add(time.Second))
		close(h.ended)
	}()
	h.stopKill = context.AfterFunc(ctx, h.Kill)
	return h, nil
}

// explainStart names the remedy where this system can't run the host: the kernel
// then says that the file doesn't exist, and means its loader.
func explainStart(avserver string, err error) error {
	p, unknown := PlatformOfFile(avserver)
	if unknown != nil {
		return fmt.Errorf("start avserver: %w", err)
	}
	_, missing := os.Stat(p.loader)
	if errors.Is(err, syscall.ENOEXEC) || missing != nil && errors.Is(err, syscall.ENOENT) {
		return fmt.Errorf("start %s: this system can't run programs for %s, which need %s: install %s", avserver, p.Words, p.loader, p.install)
	}
	return fmt.Errorf("start avserver: %w", err)
}

// Environment returns the harness's environment without the variables that
// steer a Go runtime, which would otherwise steer the plugin's too, and without
// what a user preloads: of a 64-bit library, the loader says on descriptor 2
// that it can't.
func Environment() []string {
	var env []string
	for _, v := range os.Environ() {
		switch name, _, _ := strings.Cut(v, "="); name {
		case "GODEBUG", "GOGC", "GOMAXPROCS", "GOMEMLIMIT", "GOTRACEBACK", "LD_PRELOAD":
		default:
			env = append(env, v)
		}
	}
	return env
}

// Kill ends avserver and everything it started, at once.
func (h *Host) Kill() {
	h.mu.Lock()
	h.killed = true
	h.mu.Unlock()
	// The group outlives its leader, so this also reaches what a plugin forked;
	// a plugin may have moved its host into another group.
	_ = syscall.Kill(-h.cmd.Process.Pid, syscall.SIGKILL)
	_ = h.cmd.Process.Kill()
}

// Close kills avserver if it still runs and waits until it is gone.
func (h *Host) Close() {
	h.requests.Close()
	h.Kill()
	<-h.ended
	h.stopKill()
	endOrphans()
}

// Hangup closes the connection, as a product that dies, and waits for avserver
// to end by itself.
func (h *Host) Hangup(limit time.Duration) error {
	h.requests.Close()
	return h.WaitEnd("detaching from the server", limit)
}

// WaitEnd waits for the process to end by itself with status 0. Otherwise it
// kills it and returns a *Hung or a *Died.
func (h *Host) WaitEnd(during string, limit time.Duration) error {
	if !h.wait(limit) {
		h.Kill()
		<-h.ended
		return &Hung{During: during, Limit: limit}
	}
	if h.cmd.ProcessState.Success() {
		return nil
	}
	return h.died(during)
}

func (h *Host) wait(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-h.ended:
		return true
	case <-timer.C:
		return false
	}
}

// Pid returns avserver's process number.
func (h *Host) Pid() int { return h.cmd.Process.Pid }

// Logs returns what the plugin logged so far.
func (h *Host) Logs() []Line {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Line(nil), h.logs...)
}

// Dangers returns what was wrong with format strings that the plugin logged with.
func (h *Host) Dangers() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.dangers...)
}

// Output returns what was written to descriptors 1 and 2.
func (h *Host) Output() (stdout, stderr string) {
	return h.stdout.String(), h.stderr.String()
}

// capture keeps the beginning of a stream.
type capture struct {
	mu   sync.Mutex
	text []byte
}

const captured = 64 << 10

func (c *capture) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text = append(c.text, p[:min(len(p), captured-len(c.text))]...)
	return len(p), nil
}

func (c *capture) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.text)
}

// newID numbers the requests.
func (h *Host) newID() string {
	h.next++
	return strconv.Itoa(h.next)
}

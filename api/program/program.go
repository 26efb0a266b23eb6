// Package program runs a program, such as a command-line scanner, from inside
// the host. os/exec doesn't do there: the program would inherit blocked
// signals and the host's open files, and its exit status is lost where the
// host ignores SIGCHLD or waits for children of its own.
//
// A program that Run starts has no signal blocked, each with its default
// action, no open file but its standard ones, and a process group of its own.
// The group is killed when the context is done, when the program ends, and
// when the host ends in whatever way.
package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// DefaultMaxOutput is how much of each output Run keeps by default.
const DefaultMaxOutput = 64 << 10

// grace is how long Run waits for a program to be gone that it has killed.
const grace = time.Second

// Command says what to run.
type Command struct {
	Path string   // absolute; nothing is searched for
	Args []string // without the program's own name

	Dir   string   // "/" when empty
	Env   []string // the host's when nil
	Stdin *os.File // /dev/null when nil

	// MaxOutput bounds what is kept of each output; 0 means
	// DefaultMaxOutput. The rest is read and dropped.
	MaxOutput int
}

// Result is what a program that has ended leaves.
type Result struct {
	ExitCode       int            // -1 when a signal has ended it
	Signal         syscall.Signal // 0 when it has exited
	Stdout, Stderr []byte
	Truncated      bool // an output was longer than MaxOutput
}

// Run runs the program until it ends, or until ctx is done; then the program
// and its children are killed. An exit code is no error. When there is an
// error, the result still has what the program has written by then.
func (c Command) Run(ctx context.Context) (Result, error) {
	result := Result{ExitCode: -1}
	if err := c.check(); err != nil {
		return result, err
	}
	if err := ctx.Err(); err != nil {
		return result, fmt.Errorf("run %s: %w", c.Path, err)
	}
	running, err := c.start()
	if err != nil {
		return result, fmt.Errorf("start %s: %w", c.Path, err)
	}
	outcome, err := running.wait(ctx)
	result.Stdout, result.Stderr, result.Truncated = running.output()
	if err != nil {
		return result, fmt.Errorf("run %s: %w", c.Path, err)
	}
	if outcome.failure != 0 {
		return result, fmt.Errorf("start %s: %w", c.Path, outcome.failure)
	}
	if outcome.status.Signaled() {
		result.Signal = outcome.status.Signal()
	} else {
		result.ExitCode = outcome.status.ExitStatus()
	}
	return result, nil
}

func (c Command) check() error {
	if !filepath.IsAbs(c.Path) {
		return fmt.Errorf("program %q: give its absolute path", c.Path)
	}
	for _, s := range slices.Concat([]string{c.Path, c.Dir}, c.Args, c.Env) {
		if strings.IndexByte(s, 0) >= 0 {
			return fmt.Errorf("program %s: %q contains a NUL byte, which no program can be given", c.Path, s)
		}
	}
	return nil
}

// texts returns what spawn.h's avir_start takes.
func (c Command) texts() (texts []byte, args, envs int) {
	dir := c.Dir
	if dir == "" {
		dir = "/"
	}
	env := c.Env
	if env == nil {
		env = slices.DeleteFunc(os.Environ(), func(entry string) bool { return entry == "" })
	}
	all := slices.Concat([]string{c.Path, dir, c.Path}, c.Args, env)
	return []byte(strings.Join(all, "\x00") + "\x00"), len(c.Args) + 1, len(env)
}

var errLost = errors.New("the process that waits for it was killed")

// wait returns how the program ended.
func (r *running) wait(ctx context.Context) (outcome, error) {
	ended := make(chan error, 1)
	var got outcome
	go func() {
		var err error
		got, err = r.readOutcome()
		r.free() // the waiter is gone at once
		ended <- err
	}()
	select {
	case err := <-ended:
		return got, err
	case <-ctx.Done():
	}
	r.lifeline.Close()
	select {
	case <-ended:
	case <-time.After(grace): // it hangs in the kernel: the goroutine waits for it
	}
	return outcome{}, fmt.Errorf("killed: %w", ctx.Err())
}

// output is called when the program has ended, or hangs after it was killed.
// Its process group is gone then; only a child that has left the group can
// still hold an output open.
func (r *running) output() (stdout, stderr []byte, truncated bool) {
	deadline := time.Now().Add(grace)
	for _, c := range r.captures {
		_ = c.pipe.SetReadDeadline(deadline)
		<-c.done
	}
	out, err := r.captures[0], r.captures[1]
	return out.kept, err.kept, out.truncated || err.truncated
}

// capture keeps the beginning of an output.
type capture struct {
	pipe      *os.File
	limit     int
	done      chan struct{}
	kept      []byte // once done is closed, as truncated
	truncated bool
}

func newCapture(pipe *os.File, limit int) *capture {
	c := &capture{pipe: pipe, limit: limit, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		defer pipe.Close()
		c.kept, _ = io.ReadAll(io.LimitReader(pipe, int64(limit)))
		dropped, _ := io.Copy(io.Discard, pipe)
		c.truncated = dropped > 0
	}()
	return c
}

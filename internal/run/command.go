// Package run starts the commands behind the mage targets and tells the user
// how far they are.
package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Command is one command to run. It never passes through a shell.
type Command struct {
	Name  string   // program, looked up in PATH
	Args  []string // its arguments
	Dir   string   // working directory; empty: the current one
	Env   []string // additions to this process's environment, "KEY=value"; the last one of a key wins
	Unset []string // variables of this process's environment that it must not get
	Hint  string   // what to do when it fails, for the error message

	Stdin  io.Reader
	Stdout io.Writer // also receives the output; it is kept for the error message anyway
	Joined bool      // standard error counts as standard output
	Data   io.Writer // receives standard output that is no text, and that is neither kept nor shown
}

// killDelay is how long a cancelled command may take to end by SIGTERM.
const killDelay = 3 * time.Second

// How much of a failed command and of its output an error shows, in bytes.
const (
	errorCommand = 1000
	errorTail    = 4000
)

// Verbose says whether commands and their output are to be shown, as "mage
// -v" asks for.
func Verbose() bool {
	return os.Getenv("MAGEFILE_VERBOSE") == "1" || strings.EqualFold(os.Getenv("MAGEFILE_VERBOSE"), "true")
}

// Cmd returns c for a caller who starts it and takes its output. It is the leader
// of a process group of its own, which is ended as a whole when ctx is.
func (c Command) Cmd(ctx context.Context) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.Name, c.Args...)
	cmd.Dir = c.Dir
	cmd.Env = append(c.inherited(), c.Env...)
	cmd.Stdin = c.Stdin
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = killDelay
	return cmd
}

// Run runs c to its end and returns what it printed on standard output. The
// error of a failure shows the command, the end of its output, and the hint.
func (c Command) Run(ctx context.Context) (string, error) {
	cmd := c.Cmd(ctx)
	var out, all bytes.Buffer
	both := &lockedWriter{w: &all}
	stdout := []io.Writer{&out, both}
	stderr := []io.Writer{both}
	if c.Stdout != nil {
		stdout = append(stdout, c.Stdout)
	}
	if Verbose() {
		fmt.Fprintln(os.Stderr, "exec:", c.String())
		stdout = append(stdout, os.Stderr)
		stderr = append(stderr, os.Stderr)
	}
	cmd.Stdout, cmd.Stderr = io.MultiWriter(stdout...), io.MultiWriter(stderr...)
	if c.Data != nil {
		cmd.Stdout = c.Data
	}
	if c.Joined {
		cmd.Stderr = cmd.Stdout
	}

	err := cmd.Run()
	if cmd.Process != nil && ctx.Err() != nil {
		// What ignored SIGTERM, or was started meanwhile, goes now.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	if err == nil {
		return out.String(), nil
	}
	return out.String(), c.explain(ctx, err, all.String())
}

// secret begins the names of the variables that tell where the signing key and
// its passphrase are. Only this process reads them: what a command does with a
// hostile file must not reach the key.
const secret = "AVIR_SIGNING_"

// inherited is this process's environment without what the command must not
// get. An empty variable is something else for some programs.
func (c Command) inherited() []string {
	return slices.DeleteFunc(os.Environ(), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return slices.Contains(c.Unset, name) || strings.HasPrefix(name, secret)
	})
}

func (c Command) explain(ctx context.Context, err error, output string) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", c.Name, context.Cause(ctx))
	}
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%s: %w%s", c.Name, exec.ErrNotFound, c.hint())
	}
	output = strings.TrimSpace(output)
	if len(output) > errorTail {
		output = "…" + output[len(output)-errorTail:]
	}
	if output != "" {
		output = "\n\t" + strings.ReplaceAll(output, "\n", "\n\t")
	}
	// The environment is long and seldom the reason, as is the end of a list of
	// files; -v shows all.
	command := Command{Name: c.Name, Args: c.Args}.String()
	if len(command) > errorCommand {
		command = command[:errorCommand] + "…"
	}
	return fmt.Errorf("%s: %w%s%s", command, err, output, c.hint())
}

func (c Command) hint() string {
	if c.Hint == "" {
		return ""
	}
	return "\n" + c.Hint
}

// password is what a URL, such as one in GOPROXY, may have before its host.
var password = regexp.MustCompile(`://[^/@\s]+@`)

// String returns the command line as a person would type it, without the
// passwords in its environment.
func (c Command) String() string {
	var b strings.Builder
	for _, e := range c.Env {
		b.WriteString(Quote(password.ReplaceAllString(e, "://…@")) + " ")
	}
	b.WriteString(Quote(c.Name))
	for _, a := range c.Args {
		b.WriteString(" " + Quote(a))
	}
	return b.String()
}

// Quote makes a text one word of the shell, whatever stands in it.
func Quote(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t\n'\"\\$`*?<>|&;(){}[]!#~") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

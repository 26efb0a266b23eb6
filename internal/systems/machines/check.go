package machines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/systems/settings"
)

// How long the tests in one machine may take; the long ones are those with the
// full waiting test and all repetitions, emulated.
const (
	checkLimit     = 45 * time.Minute
	checkLimitFull = 3 * time.Hour

	// collectLimit bounds what follows the tests, even after checkLimit.
	collectLimit = 5 * time.Minute
)

// step is one step of the tests in a machine.
type step struct {
	name    string
	failed  bool
	skipped string // why it did not run
	seconds int
	output  string // of a failed step
}

// check runs the tests in a guest, step by step.
type check struct {
	guest *guest
	run   *testRun
	log   io.Writer // gets the output of every step

	facts map[string]string
	steps []step
}

// inside runs the tests in a machine that is up, and collects what they wrote.
// Its error is for what failed beside the steps.
func (c *check) inside(ctx context.Context, t *testRun, m *settings.Machine, dir string) error {
	log, err := os.Create(filepath.Join(dir, "check.log"))
	if err != nil {
		return fmt.Errorf("keep the output of the tests: %w", err)
	}
	defer log.Close()
	c.run, c.log = t, log
	limit := checkLimit
	if t.Full {
		limit = checkLimitFull
	}
	limited, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the tests in %s did not end within %v", m.Name, limit))
	defer cancel()
	if c.guest, err = t.connect(limited, m, t.socket); err != nil {
		return err
	}
	err = c.all(limited)
	if ctx.Err() != nil {
		return err
	}
	collecting, cancel := context.WithTimeoutCause(ctx, collectLimit, fmt.Errorf("the results of %s did not come within %v", m.Name, collectLimit))
	defer cancel()
	if c.failed() {
		c.stacks(collecting)
	}
	return errors.Join(err, c.guest.download(collecting, dir))
}

func (c *check) failed() bool {
	return slices.ContainsFunc(c.steps, func(s step) bool { return s.failed })
}

// outputLines bounds what is kept of a step's output for the report.
const outputLines = 60

// uninteresting are the harness's lines about checks that passed or can't run
// in the guest. There are many, and the last line tells their reasons.
var uninteresting = regexp.MustCompile(`(\*Success\*|not applicable)$`)

// accountBegins matches the lines with which the harness begins what it tells of
// one case, and the last line of all.
var accountBegins = regexp.MustCompile(`^(not applicable|\*\*Failed\*\*): |^\d+ passed, `)

// relevant returns the end of a step's output, without the accounts of checks
// that can't run in the guest.
func relevant(output string) string {
	var lines []string
	skipping := false
	for line := range strings.Lines(output) {
		if accountBegins.MatchString(line) {
			skipping = strings.HasPrefix(line, "not applicable")
		}
		if !skipping {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return strings.Join(lines[max(0, len(lines)-outputLines):], "\n")
}

// do runs a script as root in the guest, as one step. A step that fails does
// not end the tests. It returns whether the step passed.
func (c *check) do(ctx context.Context, name, script string) bool {
	return c.step(ctx, name, func(ctx context.Context, out io.Writer) error {
		cmd := c.guest.sudo(script)
		cmd.Stdout = out
		_, err := cmd.Run(ctx)
		return err
	})
}

func (c *check) step(ctx context.Context, name string, f func(ctx context.Context, out io.Writer) error) bool {
	machine := c.guest.machine.Name
	said := &run.Tail{Keep: 20 * outputLines, Skip: uninteresting}
	start := time.Now()
	fmt.Fprintf(c.log, "== %s\n", name)
	err := run.Step(ctx, machine+": "+name, said.Last, func(ctx context.Context) (string, error) {
		return "", f(ctx, io.MultiWriter(c.log, said))
	})
	s := step{name: name, seconds: int(time.Since(start).Seconds())}
	if err != nil {
		if ctx.Err() != nil {
			fmt.Fprintln(said, context.Cause(ctx))
		} else if said.String() == "" {
			fmt.Fprintln(said, c.guest.explained("", err))
		}
		s.failed, s.output = true, relevant(said.String())
		run.Printf("  FAILED %s: %s (%d s)\n\t%s", machine, name, s.seconds, strings.ReplaceAll(s.output, "\n", "\n\t"))
	}
	c.steps = append(c.steps, s)
	return err == nil
}

// skip notes steps that another step's failure makes pointless.
func (c *check) skip(why string, names ...string) {
	for _, name := range names {
		c.steps = append(c.steps, step{name: name, skipped: why})
	}
	run.Printf("  %s: not run: %s: %s", c.guest.machine.Name, strings.Join(names, ", "), why)
}

// Package hostile holds the fifth test: what a plugin must survive in somebody
// else's multi-threaded 32-bit daemon. Each check runs in host processes of
// its own, so that one that crashes or hangs doesn't keep the next from running.
package hostile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/reference"
	"github.com/avirkit/avirkit/harness/report"
)

// Check is one hazard.
type Check struct {
	Name   string
	Did    string // what it does, in the past tense
	Wants  string // what a good plugin does
	Advice string // what to change in one that fails
	run    func(ctx context.Context, e *env) (saw string, err error)
}

// env is what a check works with.
type env struct {
	*reference.Run
	dir  string // a folder of its own
	logs []host.Line
}

// notApplicable is returned by a check that can't run on this machine.
type notApplicable string

func (n notApplicable) Error() string { return string(n) }

// All returns the checks in the order in which they are reported.
func All() []Check {
	var all []Check
	for _, group := range [][]Check{interfaceChecks, answerChecks, processChecks, hostChecks, threadChecks, limitChecks, logChecks, enduranceChecks} {
		all = append(all, group...)
	}
	return all
}

// atOnce is how many checks run side by side.
const atOnce = 2

// alone are the checks that the threads of another would disturb: the kernel
// counts all that a user runs.
var alone = []string{"process-limit"}

// Run runs the checks whose names are in only, or all.
func Run(ctx context.Context, r *reference.Run, only []string) []report.Case {
	checks, err := selectChecks(only)
	if err == nil {
		err = r.NeedSamples()
	}
	if err != nil {
		return []report.Case{{Test: "hostile", Name: "setup", Status: report.Failed, Saw: err.Error()}}
	}
	var cases []report.Case
	// The ordinary life of a plugin comes first, and alone. Without a start
	// there is nothing to be hostile to.
	if checks[0].Name == lifecycle {
		first := runCheck(ctx, r, checks[0])
		cases, checks = append(cases, first), checks[1:]
		if first.Status == report.Failed && strings.Contains(first.Saw, neverStarted) {
			for _, c := range checks {
				cases = append(cases, report.Case{Test: "hostile", Name: c.Name, Status: report.NotApplicable,
					Did: "nothing", Expected: c.Wants, Saw: "the plugin does not start at all, see " + lifecycle})
			}
			return cases
		}
	}
	refuseBlind(ctx, r, checks)
	return append(cases, runAll(ctx, r, checks)...)
}

// Known returns an error that names the first of the names that no check has.
func Known(names []string) error {
	_, err := selectChecks(names)
	return err
}

func selectChecks(only []string) ([]Check, error) {
	if len(only) == 0 {
		return All(), nil
	}
	var picked []Check
	for _, name := range only {
		n := len(picked)
		for _, c := range All() {
			if c.Name == name {
				picked = append(picked, c)
			}
		}
		if len(picked) == n {
			return nil, fmt.Errorf("there is no check %q: see harness run hostile --list", name)
		}
	}
	return picked, nil
}

// runAll runs checks side by side, then those that need to be alone, and keeps
// their order.
func runAll(ctx context.Context, r *reference.Run, checks []Check) []report.Case {
	cases := make([]report.Case, len(checks))
	next := make(chan int)
	var running sync.WaitGroup
	for range atOnce {
		running.Add(1)
		go func() {
			defer running.Done()
			for i := range next {
				cases[i] = runCheck(ctx, r, checks[i])
			}
		}()
	}
	show := func(i int) { r.Show.Now("hostile: %d of %d: %s", i+1, len(checks), checks[i].Name) }
	var last []int
	for i := range checks {
		if slices.Contains(alone, checks[i].Name) {
			last = append(last, i)
			continue
		}
		show(i)
		next <- i
	}
	close(next)
	running.Wait()
	for _, i := range last {
		show(i)
		cases[i] = runCheck(ctx, r, checks[i])
	}
	return cases
}

func runCheck(ctx context.Context, r *reference.Run, c Check) report.Case {
	result := report.Case{Test: "hostile", Name: c.Name, Did: c.Did, Expected: c.Wants, Status: report.Passed}
	start := time.Now()
	e := &env{Run: r}
	saw, err := "", ctx.Err()
	if err == nil {
		e.dir, err = os.MkdirTemp("", "avir-harness-")
	}
	if err == nil {
		saw, err = c.run(ctx, e)
		if cleaned := os.RemoveAll(e.dir); err == nil {
			err = cleaned
		}
	}
	result.Time = time.Since(start)
	result.Saw = saw
	var na notApplicable
	switch {
	case ctx.Err() != nil:
		result.Status, result.Saw = report.Failed, "stopped before it ended"
	case errors.As(err, &na):
		result.Status, result.Saw = report.NotApplicable, err.Error()
	case err != nil:
		result.Status, result.Saw, result.Log = report.Failed, err.Error(), report.Excerpt(e.logs)
		result.Advice = cmp.Or(host.Uncaught(err), c.Advice)
	}
	if result.Status != report.Passed {
		r.Show.Line("hostile: %s: %s", c.Name, firstLine(result.Saw))
	}
	return result
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// problems collects what a check found wrong.
type problems []string

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Sprintf(format, args...)) }

func (p *problems) err() error {
	if len(*p) == 0 {
		return nil
	}
	return errors.New(strings.Join(*p, "\n"))
}

// patience counts scans that hang: each takes its whole limit, and a plugin
// that hangs twice will hang again.
type patience int

func (n *patience) lost(err error) bool {
	var hung *host.Hung
	if errors.As(err, &hung) {
		*n++
	}
	return *n >= 2
}

// times returns a number of repetitions, fewer when the run is quick.
func (e *env) times(full, quick int) int {
	if e.Quick {
		return quick
	}
	return full
}

// prompt is the time for what must not take long: a third of the limit.
func (e *env) prompt() time.Duration { return e.Limit / 3 }

// done keeps the log for the report and ends the host.
func (e *env) done(h *host.Host) {
	if h != nil {
		e.logs = append(e.logs, h.Logs()...)
		h.Close()
	}
}

// loaded returns a host that has loaded the plugin.
func (e *env) loaded(ctx context.Context) (*host.Host, error) {
	h, err := e.Open(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := e.Load(h); err != nil {
		e.done(h)
		return nil, err
	}
	return h, nil
}

// working starts a host with the plugin and two workers.
func (e *env) working(ctx context.Context, more ...string) (*host.Host, error) {
	return e.Workers(ctx, 2, time.Second, more...)
}

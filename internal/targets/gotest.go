package targets

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sync/atomic"

	"gotest.tools/gotestsum/testjson"

	"github.com/avirkit/avirkit/internal/run"
)

// suite is the tests of one module.
type suite struct {
	module string
	args   []string // further flags of go test
	first  []string // packages that take long, so that no processor is idle while the last one ends
	only   []string // instead of all packages
	env    []string
}

// tally counts tests; subtests count as tests.
type tally struct {
	passed, failed, skipped int
	whole                   []testjson.TestCase // those that are no subtests, with their times
}

func (t tally) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", t.passed, t.failed, t.skipped)
}

func (t *tally) add(o tally) {
	t.passed += o.passed
	t.failed += o.failed
	t.skipped += o.skipped
	t.whole = append(t.whole, o.whole...)
}

// run runs the suite and prints what failed or was skipped.
func (s suite) run(ctx context.Context, root string) (t tally, err error) {
	name := "the root module"
	if s.module != "." {
		name = s.module
	} else if s.only != nil {
		name = "part of the root module"
	}
	// Lint vets all of the code.
	packages := s.only
	if packages == nil {
		packages = append(s.first, "./...")
	}
	args := slices.Concat([]string{"test", "-json", "-count=1", "-vet=off"}, s.args, packages)
	var now progress
	var tests *testjson.Execution
	err = run.Step(ctx, "go test in "+name, now.told, func(ctx context.Context) (string, error) {
		events, w := io.Pipe()
		read := make(chan error)
		go func() {
			var err error
			tests, err = testjson.ScanTestOutput(testjson.ScanConfig{Stdout: events, Handler: &now, IgnoreNonJSONOutputLines: true})
			_ = events.CloseWithError(err) // go test must not wait for a reader that is gone
			read <- err
		}()
		_, err := run.Command{
			Name: "go", Args: args, Dir: filepath.Join(root, s.module),
			Env: append([]string{"GOWORK=off"}, s.env...), Stdout: w,
		}.Run(ctx)
		_ = w.Close()
		if broken := <-read; broken != nil {
			return "", broken
		}
		t.failed, t.skipped = len(tests.Failed()), len(tests.Skipped())
		t.passed = tests.Total() - t.skipped
		outside := 0 // packages that failed outside of a test; they are counted in no total
		for _, failed := range tests.Failed() {
			if failed.Test == "" {
				outside++
			}
		}
		t.passed -= t.failed - outside
		if err != nil && t.failed > 0 {
			failed := fmt.Errorf("%d tests or packages failed", t.failed)
			if outside > 0 { // before Go 1.24 only the command's error has what the compiler said
				failed = fmt.Errorf("%w: %w", failed, err)
			}
			err = failed
		}
		return t.String(), err
	})
	if tests != nil {
		for _, name := range tests.Packages() {
			t.whole = append(t.whole, tests.Package(name).TestCases()...)
		}
		t.whole = slices.DeleteFunc(t.whole, func(c testjson.TestCase) bool { return c.Test.IsSubTest() })
		testjson.PrintSummary(run.Out, tests, testjson.SummarizeAll)
	}
	if err == nil && t.passed == 0 {
		err = fmt.Errorf("no test ran in %s", name)
	}
	return t, err
}

// progress tells which test runs.
type progress struct{ now atomic.Value }

func (p *progress) told() string {
	now, _ := p.now.Load().(string)
	return now
}

// Event notes a test that begins.
func (p *progress) Event(e testjson.TestEvent, tests *testjson.Execution) error {
	if e.Action == testjson.ActionRun {
		p.now.Store(fmt.Sprintf("%d tests begun, now %s", tests.Total(), e.Test))
	}
	return nil
}

// Err gets what is no event; the error of the command shows it, too.
func (p *progress) Err(string) error { return nil }

// longest are the lines that name the tests which took longest.
func (t tally) longest() (lines []string) {
	const most = 10
	all := slices.Clone(t.whole)
	slices.SortFunc(all, func(a, b testjson.TestCase) int { return cmp.Compare(b.Elapsed, a.Elapsed) })
	for _, c := range all[:min(most, len(all))] {
		lines = append(lines, fmt.Sprintf("%7.1f s %s %s", c.Elapsed.Seconds(), c.Package, c.Test))
	}
	return lines
}

package targets

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/avirkit/avirkit/internal/run"
)

// suite is the tests of one module.
type suite struct {
	module string
	args   []string // further flags of go test
	env    []string
}

// tally counts tests; subtests count as tests.
type tally struct{ passed, failed, skipped int }

func (t tally) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", t.passed, t.failed, t.skipped)
}

func (t *tally) add(o tally) {
	t.passed += o.passed
	t.failed += o.failed
	t.skipped += o.skipped
}

// run runs the suite and prints what failed or was skipped.
func (s suite) run(ctx context.Context, root string) (tally, error) {
	w := &testEvents{output: map[string]*strings.Builder{}, times: map[string]float64{}}
	// Lint vets all of the code.
	args := append(append([]string{"test", "-json", "-count=1", "-vet=off"}, s.args...), "./...")
	err := run.Step(ctx, "go test in "+s.name(), w.progress, func(ctx context.Context) (string, error) {
		_, err := run.Command{
			Name: "go", Args: args, Dir: filepath.Join(root, s.module),
			Env: append([]string{"GOWORK=off"}, s.env...), Stdout: w,
		}.Run(ctx)
		w.mu.Lock()
		defer w.mu.Unlock()
		if err != nil && (w.tally.failed > 0 || len(w.broken) > 0) {
			err = fmt.Errorf("%d tests and %d packages failed", w.tally.failed, len(w.broken))
		}
		return w.tally.String(), err
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.report()
	if err == nil && w.tally.passed == 0 {
		err = fmt.Errorf("no test ran in %s", s.name())
	}
	return w.tally, err
}

func (s suite) name() string {
	if s.module == "." {
		return "the root module"
	}
	return s.module
}

// testEvents reads the events that go test -json prints.
type testEvents struct {
	mu      sync.Mutex
	rest    []byte
	output  map[string]*strings.Builder // by package and test
	failed  []string
	skipped []string
	broken  []string // packages that failed outside a test
	failing map[string]bool
	now     string
	tally   tally
	times   map[string]float64 // of tests that are no subtests, in seconds
}

type testEvent struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
	Time                                      time.Time
}

// Write takes a part of the event stream.
func (w *testEvents) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	for {
		i := strings.IndexByte(string(w.rest), '\n')
		if i < 0 {
			return len(p), nil
		}
		var e testEvent
		if json.Unmarshal(w.rest[:i], &e) == nil {
			w.event(e)
		}
		w.rest = w.rest[i+1:]
	}
}

func (w *testEvents) event(e testEvent) {
	if e.Package == "" {
		e.Package = e.ImportPath // of a build's output
	}
	key := e.Package
	if e.Test != "" {
		key += " " + e.Test
	}
	switch e.Action {
	case "output", "build-output":
		b := w.output[key]
		if b == nil {
			b = &strings.Builder{}
			w.output[key] = b
		}
		b.WriteString(e.Output)
	case "run":
		w.now = e.Test
	case "pass", "skip":
		if e.Test != "" && !strings.Contains(e.Test, "/") {
			w.times[key] = e.Elapsed
		}
		if e.Test != "" {
			if e.Action == "pass" {
				w.tally.passed++
				delete(w.output, key)
			} else {
				w.tally.skipped++
				w.skipped = append(w.skipped, key)
			}
		}
	case "fail":
		if e.Test != "" {
			w.tally.failed++
			w.failed = append(w.failed, key)
			if w.failing == nil {
				w.failing = map[string]bool{}
			}
			w.failing[e.Package] = true
		} else if !w.failing[e.Package] {
			w.broken = append(w.broken, key)
		}
	case "build-fail":
		w.broken = append(w.broken, key)
	}
}

func (w *testEvents) progress() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprintf("%s, now %s", w.tally, w.now)
}

// longest is how many tests "mage -v test" names as those that took longest.
const longest = 20

// report prints the output of what did not pass.
func (w *testEvents) report() {
	if run.Verbose() {
		keys := slices.SortedFunc(maps.Keys(w.times), func(a, b string) int { return cmp.Compare(w.times[b], w.times[a]) })
		for _, key := range keys[:min(longest, len(keys))] {
			run.Printf("%6.1f s %s", w.times[key], key)
		}
	}
	for _, list := range []struct {
		word string
		keys []string
	}{{"SKIPPED", w.skipped}, {"FAILED", w.failed}, {"FAILED", w.broken}} {
		for _, key := range list.keys {
			run.Printf("%s %s", list.word, key)
			if b := w.output[key]; b != nil {
				run.Printf("\t%s", strings.ReplaceAll(strings.TrimSpace(b.String()), "\n", "\n\t"))
			}
		}
	}
}

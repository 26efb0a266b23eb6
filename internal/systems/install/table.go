package install

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/systems/rootfs"
)

// row is one cycle with one package on one system.
type row struct {
	system, package_, cycle string
	took                    time.Duration
	err                     error
}

// untested says that a system is not to be had today, through no fault of the
// packages.
func (r row) untested() bool { return errors.Is(r.err, rootfs.ErrStaleMirror) }

// table collects what was tested. Its methods may be called at the same time.
type table struct {
	mu     sync.Mutex
	system string
	now    string // what is being prepared
	rows   []row
	strict bool // a system that could not be tested is a failure
}

// do runs one cycle and keeps its result; a failure doesn't stop the others.
func (t *table) do(pkg, cycle string, f func() error) {
	start := time.Now()
	t.add(pkg, cycle, start, f())
}

func (t *table) add(pkg, cycle string, start time.Time, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now = ""
	t.rows = append(t.rows, row{t.system, pkg, cycle, time.Since(start), err})
}

// preparing tells what happens before the next cycle.
func (t *table) preparing(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now = what
}

// last tells how far the tests are.
func (t *table) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now != "" || len(t.rows) == 0 {
		return t.now
	}
	r := t.rows[len(t.rows)-1]
	return fmt.Sprintf("%d cycles done, last %s: %s", len(t.rows), r.package_, r.cycle)
}

// untested returns the systems that are not to be had today.
func (t *table) untested() (systems []string) {
	for _, r := range t.rows {
		if r.untested() {
			systems = append(systems, r.system)
		}
	}
	return systems
}

// print prints the summary table, and then what failed.
func (t *table) print() {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "\nsystem\tpackage\tcycle\tresult\n")
	for _, r := range t.rows {
		result := fmt.Sprintf("ok (%.1f s)", r.took.Seconds())
		switch {
		case r.untested():
			result = "NOT TESTED"
		case r.err != nil:
			result = "FAILED"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.system, r.package_, r.cycle, result)
	}
	w.Flush() // a strings.Builder takes everything
	for _, r := range t.rows {
		switch {
		case r.untested():
			fmt.Fprintf(&b, "\nNOT TESTED %s: %v\n", r.system, r.err)
		case r.err != nil:
			fmt.Fprintf(&b, "\nFAILED %s, %s, %s:\n%v\n", r.system, r.package_, r.cycle, r.err)
		}
	}
	run.Printf("%s", b.String())
}

// failure returns an error if a cycle failed, or if nothing was tested.
func (t *table) failure() error {
	var failed, untested int
	for _, r := range t.rows {
		switch {
		case r.untested() && !t.strict:
			untested++
		case r.err != nil:
			failed++
		}
	}
	switch {
	case len(t.rows) == untested:
		return errors.New("no package was tested")
	case failed > 0:
		return fmt.Errorf("%d of %d package test cycles failed", failed, len(t.rows))
	}
	run.Printf("%d package test cycles passed; %d systems could not be tested", len(t.rows)-untested, untested)
	return nil
}

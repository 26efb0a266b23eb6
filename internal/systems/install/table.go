package install

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/avirkit/avirkit/internal/run"
)

// row is one cycle with one package on one system.
type row struct {
	system, package_, cycle string
	took                    time.Duration
	err                     error
}

// table collects what was tested. Its methods may be called at the same time.
type table struct {
	mu     sync.Mutex
	system string
	now    string // what is being prepared
	rows   []row
}

// do runs one cycle and keeps its result; a failure doesn't stop the others.
// It returns whether the cycle was good.
func (t *table) do(pkg, cycle string, f func() error) bool {
	start := time.Now()
	err := f()
	t.add(pkg, cycle, start, err)
	return err == nil
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

// print prints the summary table.
func (t *table) print() {
	var b strings.Builder
	b.WriteString(fmt.Sprintf("\n%-16s %-28s %-58s %s\n", "system", "package", "cycle", "result"))
	system := ""
	for _, r := range t.rows {
		if r.system != system {
			b.WriteString(strings.Repeat("-", 112) + "\n")
			system = r.system
		}
		result := fmt.Sprintf("ok (%.1f s)", r.took.Seconds())
		if r.err != nil {
			result = "FAILED"
		}
		b.WriteString(fmt.Sprintf("%-16s %-28s %-58s %s\n", r.system, r.package_, r.cycle, result))
	}
	for _, r := range t.rows {
		if r.err != nil {
			b.WriteString(fmt.Sprintf("\nFAILED %s, %s, %s:\n%v\n", r.system, r.package_, r.cycle, r.err))
		}
	}
	run.Printf("%s", b.String())
}

// failure sums up; a run that did nothing is one, too.
func (t *table) failure() error {
	var failed int
	for _, r := range t.rows {
		if r.err != nil {
			failed++
		}
	}
	switch {
	case len(t.rows) == 0:
		return errors.New("no package was tested")
	case failed > 0:
		return fmt.Errorf("%d of %d package test cycles failed", failed, len(t.rows))
	}
	run.Printf("%d package test cycles passed", len(t.rows))
	return nil
}

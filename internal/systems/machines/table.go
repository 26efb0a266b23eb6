package machines

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/avirkit/avirkit/internal/systems/settings"
)

// row is what the table says of one machine.
type row struct {
	machine *settings.Machine
	facts   map[string]string
	count   count
	took    time.Duration
	err     error
}

func (r row) result() string {
	if r.err != nil {
		return "FAILED"
	}
	return "passed"
}

// fact returns what the machine said of itself, and a dash if it said nothing.
func (r row) fact(name string) string {
	if v := r.facts[name]; v != "" {
		return v
	}
	return "-"
}

// standsIn says what a machine's box really is; empty if it is what it should.
func (r row) standsIn() string {
	m := r.machine
	if m.StandIn == "" {
		return ""
	}
	return fmt.Sprintf("%s stood in for %s; of %s itself this proves nothing", m.StandIn, m.System, m.System)
}

// properties are what a report tells of the system that the tests ran on.
func (r row) properties(driver string) []junit.Property {
	all := []junit.Property{{Name: "driver", Value: driver}, {Name: "stand-in", Value: r.standsIn()}}
	for _, name := range []string{"system", "kernel", "machine", "libc", "packager"} {
		all = append(all, junit.Property{Name: name, Value: r.facts[name]})
	}
	return slices.DeleteFunc(all, func(p junit.Property) bool { return p.Value == "" })
}

// writeTable writes what ran where, so that the proof names its systems, and
// what did not run.
func writeTable(to io.Writer, rows []row, driver string, notes []string) error {
	t := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "machine\tran on\tkernel\tlibc\tpackages\ttests\tfailed\tskipped\ttime\tresult")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%s\t%s %s\t%s\t%s\t%d\t%d\t%d\t%.0f s\t%s\n", r.machine.Name, r.fact("system"),
			r.fact("kernel"), r.fact("machine"), r.fact("libc"), r.fact("packager"),
			r.count.tests, r.count.failed, r.count.skipped, r.took.Seconds(), r.result())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if driver != "" {
		fmt.Fprintf(to, "driver: %s\n", driver)
	}
	for _, r := range rows {
		if text := r.standsIn(); text != "" {
			fmt.Fprintf(to, "%s: %s\n", r.machine.Name, text)
		}
	}
	for _, note := range notes {
		fmt.Fprintln(to, note)
	}
	return nil
}

// failures lists what failed, one line for each machine.
func failures(rows []row) error {
	var lines []string
	for _, r := range rows {
		if r.err != nil {
			lines = append(lines, r.machine.Name+": "+r.err.Error())
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d machines failed:\n%s", len(lines), len(rows), strings.Join(lines, "\n"))
}

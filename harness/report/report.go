// Package report holds what the tests found and writes it as a table, as JUnit
// XML and as JSON, all with the same facts.
package report

import (
	"time"

	"github.com/avirkit/avirkit/harness/host"
)

// Status is the outcome of one case.
type Status string

// NotApplicable is for a case that did not run; it always has a reason in Saw
// and is counted apart from what passed.
const (
	Passed        Status = "passed"
	Failed        Status = "failed"
	NotApplicable Status = "not applicable"
)

// Case is one thing that was tried.
type Case struct {
	Test     string // generate, scanning, waiting, server or hostile
	Name     string
	Status   Status
	Did      string // what was done
	Expected string
	Saw      string // what happened
	Advice   string // what the plugin's author should change; empty when passed
	Time     time.Duration
	Log      []host.Line // excerpt of what the plugin logged
}

// Report is one run of the harness.
type Report struct {
	Plugin  string
	Started time.Time
	Cases   []Case
}

// Add appends cases.
func (r *Report) Add(cases ...Case) { r.Cases = append(r.Cases, cases...) }

// Count returns how many cases have the status.
func (r *Report) Count(s Status) int {
	n := 0
	for _, c := range r.Cases {
		if c.Status == s {
			n++
		}
	}
	return n
}

// OK tells whether something was asked for, and all of it ran and passed.
func (r *Report) OK() bool { return len(r.Cases) > 0 && r.Count(Passed) == len(r.Cases) }

// logLines is how much of a log goes into a report.
const logLines = 10

// Excerpt returns the last lines of a log, without debug lines where there are
// enough others.
func Excerpt(lines []host.Line) []host.Line {
	var loud []host.Line
	for _, l := range lines {
		if l.Level != "debug" && l.Level != "progress" {
			loud = append(loud, l)
		}
	}
	if len(loud) == 0 {
		loud = lines
	}
	return loud[max(0, len(loud)-logLines):]
}

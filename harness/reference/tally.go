package reference

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/report"
	"github.com/avirkit/avirkit/harness/samples"
)

// tally collects the answers for each sample, and the log of all servers.
type tally struct {
	test    string
	answers map[string][]answer
	log     []host.Line
}

type answer struct {
	host.Answer
	err error
}

func newTally(test string) *tally { return &tally{test: test, answers: map[string][]answer{}} }

func (t *tally) add(s samples.Sample, a host.Answer, err error) {
	t.answers[s.Name] = append(t.answers[s.Name], answer{a, err})
}

// hear keeps what the plugin logged in a server that is about to end.
func (t *tally) hear(h *host.Host) {
	if h != nil {
		t.log = append(t.log, h.Logs()...)
	}
}

// about returns an excerpt of the log for a sample: the lines that name it, or
// the last ones of all.
func (t *tally) about(s samples.Sample) []host.Line {
	var named []host.Line
	for _, l := range t.log {
		if strings.Contains(l.Text, s.Name) {
			named = append(named, l)
		}
	}
	if len(named) == 0 {
		named = t.log
	}
	return report.Excerpt(named)
}

// worthAnother returns the samples whose scans have not hung: those would take
// the whole limit again.
func (t *tally) worthAnother() []samples.Sample {
	return slices.DeleteFunc(samples.All(), func(s samples.Sample) bool {
		return slices.ContainsFunc(t.answers[s.Name], func(a answer) bool {
			var hung *host.Hung
			return errors.As(a.err, &hung)
		})
	})
}

// cases returns one case for each sample, in the order of the samples.
func (t *tally) cases() []report.Case {
	var cases []report.Case
	for _, s := range samples.All() {
		if answers := t.answers[s.Name]; len(answers) > 0 {
			c := judge(t.test, s, answers)
			if c.Status == report.Failed {
				c.Log = t.about(s)
			}
			cases = append(cases, c)
		}
	}
	return cases
}

func judge(test string, s samples.Sample, answers []answer) report.Case {
	c := report.Case{Test: test, Name: s.Name, Status: report.Passed, Expected: s.Expect.String(),
		Did: fmt.Sprintf("%d scans", len(answers))}
	var got []string
	counts := map[string]int{}
	var total time.Duration
	for _, a := range answers {
		text, advised := describe(s, a)
		if advised != "" {
			c.Status, c.Advice = report.Failed, advised
		}
		if counts[text]++; counts[text] == 1 {
			got = append(got, text)
		}
		total += a.Time
	}
	for i, text := range got {
		if n := counts[text]; len(got) > 1 {
			got[i] = fmt.Sprintf("%s (%d times)", text, n)
		}
	}
	c.Saw = strings.Join(got, "; ")
	c.Time = total / time.Duration(len(answers))
	return c
}

// describe returns what was seen, and advice where it was wrong.
func describe(s samples.Sample, a answer) (saw, advised string) {
	switch {
	case a.err != nil:
		return a.err.Error(), advice(a.err)
	case a.Fault() != "":
		return a.Fault(), "fill vir_info within vi_size with ASCII and an ending NUL, and return a result of the interface"
	case a.Verdict == host.Error:
		return fmt.Sprintf("ERROR %q: the server was started again", a.Text),
			"ERROR is for a plugin that can't go on at all: answer FAILED or IMPOSSIBLE for a single file"
	case a.Verdict != s.Expect && a.Verdict == host.OK:
		return "OK", "never answer OK for what was not scanned to the end: this lets a virus through"
	case a.Verdict != s.Expect:
		return fmt.Sprintf("%s %q", a.Verdict, a.Text), "find out in the log why the antivirus came to another verdict"
	}
	if a.Text != "" {
		return fmt.Sprintf("%s %q", a.Verdict, a.Text), ""
	}
	return a.Verdict.String(), ""
}

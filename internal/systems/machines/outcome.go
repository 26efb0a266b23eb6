package machines

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/avirkit/avirkit/internal/run"
)

// step is one step of the tests in a machine.
type step struct {
	name    string
	failed  bool
	seconds int
	output  string // of a failed step
}

// outcome reads what check.sh says, and tells how far it is.
type outcome struct {
	machine string

	mu    sync.Mutex
	rest  string
	now   string // running step
	last  string // line of its output
	text  []string
	began time.Time
	end   bool

	steps []step
	facts map[string]string
}

// outputLines bounds what is kept of a step's output for the report.
const outputLines = 60

// Write takes a part of the output.
func (o *outcome) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rest += string(p)
	for {
		line, rest, found := strings.Cut(o.rest, "\n")
		if !found {
			break
		}
		o.rest = rest
		o.line(strings.TrimRight(line, "\r"))
	}
	o.rest = tail(o.rest)
	return len(p), nil
}

func (o *outcome) line(line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "@fact":
		name, value, _ := strings.Cut(rest, " ")
		if o.facts == nil {
			o.facts = map[string]string{}
		}
		o.facts[name] = printable(value)
	case "@step":
		o.now, o.last, o.text, o.began = rest, "", nil, time.Now()
	case "@ok", "@failed":
		text, name, _ := strings.Cut(rest, " ")
		seconds, _ := strconv.Atoi(text)
		s := step{name: name, failed: word == "@failed", seconds: seconds}
		if s.failed {
			s.output = strings.Join(o.text, "\n")
			run.Printf("  FAILED %s: %s (%d s)\n\t%s", o.machine, name, seconds, strings.Join(o.text, "\n\t"))
		} else {
			run.Printf("  ok %s: %s (%d s)", o.machine, name, seconds)
		}
		o.steps = append(o.steps, s)
		o.now = ""
	case "@end":
		o.end = true
	default:
		if line = printable(line); line != "" {
			o.last = line
			o.text = append(o.text, line)
			if len(o.text) > outputLines {
				o.text = o.text[1:]
			}
		}
	}
}

// progress says what runs.
func (o *outcome) progress() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.now == "" {
		return fmt.Sprintf("%d steps done", len(o.steps))
	}
	return fmt.Sprintf("%s for %.0f s: %s", o.now, time.Since(o.began).Seconds(), o.last)
}

// allSteps returns the steps that ran, for a report of a machine that failed
// with err or not at all: a step that was running when the machine ended, or
// what failed beside the steps, is one more that failed.
func (o *outcome) allSteps(boot step, err error) []step {
	o.mu.Lock()
	defer o.mu.Unlock()
	steps := append([]step{boot}, o.steps...)
	if err == nil || boot.failed || o.failed() > 0 {
		return steps
	}
	last := step{name: "machine", failed: true, output: err.Error()}
	if o.now != "" {
		last.name = o.now
		last.output += "\n" + strings.Join(o.text, "\n")
		last.seconds = int(time.Since(o.began).Seconds())
	}
	return append(steps, last)
}

// ended says whether the tests ran to their end.
func (o *outcome) ended() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.end
}

// failed counts the steps that failed.
func (o *outcome) failed() int {
	n := 0
	for _, s := range o.steps {
		if s.failed {
			n++
		}
	}
	return n
}

// err is nil if tests ran and none failed.
func (o *outcome) err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch n := o.failed(); {
	case len(o.steps) == 0:
		return errors.New("no test ran")
	case n > 0:
		return fmt.Errorf("%d of %d steps failed", n, len(o.steps))
	}
	return nil
}

func (o *outcome) summary() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return fmt.Sprintf("%d steps", len(o.steps))
}

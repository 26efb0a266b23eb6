// Package reference holds the four tests of the product's reference program, with
// its names, order and samples.
package reference

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/progress"
	"github.com/avirkit/avirkit/harness/report"
	"github.com/avirkit/avirkit/harness/samples"
)

// Run is what all tests need to know.
type Run struct {
	host.Setup
	Data    string        // folder of the samples
	Threads int           // most worker threads of the host
	Wait    time.Duration // pause of the waiting test
	Quick   bool          // fewer repetitions in the hostile test
	Show    *progress.Display
}

// Test is one entry of the menu.
type Test struct {
	Name  string // as the command line takes it
	Title string // the reference program's name
	Run   func(ctx context.Context, r *Run) []report.Case
}

// All returns the four tests in the order of the menu.
func All() []Test {
	return []Test{
		{"generate", "avplugins_generate_test_data", Generate},
		{"scanning", "avplugins_scanning_test", Scanning},
		{"waiting", "avplugins_waiting_test", Waiting},
		{"server", "avplugins_server_test", Server},
	}
}

// Generate writes the samples.
func Generate(_ context.Context, r *Run) []report.Case {
	start := time.Now()
	c := report.Case{Test: "generate", Name: "samples", Did: "wrote the samples into " + r.Data, Expected: "written"}
	finish(&c, start, samples.Generate(r.Data), nil)
	if c.Status == report.Passed {
		c.Saw = "written"
	}
	return []report.Case{c}
}

// Path returns the path of a sample.
func (r *Run) Path(name string) string { return filepath.Join(r.Data, name) }

// NeedSamples returns an error when the samples were not generated.
func (r *Run) NeedSamples() error {
	if _, err := os.Stat(r.Path(samples.Eicar)); err != nil {
		return fmt.Errorf("no samples in %s: run the generate test first: %w", r.Data, err)
	}
	return nil
}

// finish completes a case with its time, its outcome and the plugin's log.
func finish(c *report.Case, start time.Time, err error, h *host.Host) {
	if c.Time == 0 {
		c.Time = time.Since(start)
	}
	if err != nil {
		c.Status, c.Saw = report.Failed, err.Error()
		if c.Advice == "" {
			c.Advice = advice(err)
		}
	} else if c.Status == "" {
		c.Status = report.Passed
	}
	if h != nil && c.Log == nil {
		c.Log = report.Excerpt(h.Logs())
	}
}

// advice is what an author should look for after a failure of this kind.
func advice(err error) string {
	var died *host.Died
	var hung *host.Hung
	switch {
	case errors.As(err, &died):
		if advice := host.Uncaught(err); advice != "" {
			return advice
		}
		return "a plugin must never end or crash its host: run avserver on the same file under a debugger"
	case errors.As(err, &hung):
		return "every call must return in bounded time: give each wait a deadline and answer FAILED after it"
	}
	return "see the message and the log"
}

package reference

import (
	"context"
	"fmt"
	"time"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/report"
	"github.com/avirkit/avirkit/harness/samples"
)

// Waiting scans with one context, waits, and scans again with the same
// context: a connection that the plugin holds must survive or be renewed.
func Waiting(ctx context.Context, r *Run) []report.Case {
	start := time.Now()
	c := report.Case{Test: "waiting", Name: "one context", Expected: "the same verdicts before and after",
		Did: fmt.Sprintf("scanned with one context, waited %s, scanned again", r.Wait)}
	one := *r
	one.Threads = 1
	// The only worker must outlive the pause.
	h, _, err := one.begin(ctx, r.Wait+time.Hour)
	defer closeHost(h)
	if err == nil {
		err = one.beforeAndAfter(ctx, h)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = one.sameThread(h)
	}
	if err == nil {
		err = r.Finish(h)
	}
	c.Saw = fmt.Sprintf("the same verdicts after %s", r.Wait)
	finish(&c, start, err, h)
	return []report.Case{c}
}

// sameThread makes sure that the test has tested something: a second thread
// would have had a new context.
func (r *Run) sameThread(h *host.Host) error {
	made, err := r.StopWorkers(h)
	if err == nil && made != 1 {
		err = fmt.Errorf("the scans were done by %d threads, not by one", made)
	}
	return err
}

func (r *Run) beforeAndAfter(ctx context.Context, h *host.Host) error {
	if err := r.scanSamples(h, "before the pause"); err != nil {
		return err
	}
	for end := time.Now().Add(r.Wait); ctx.Err() == nil && time.Now().Before(end); {
		left := time.Until(end)
		r.Show.Now("waiting: %d seconds left", int(left.Seconds()+1))
		sleep(ctx, min(left, time.Second))
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return r.scanSamples(h, "after the pause")
}

// scanSamples scans all samples one after another and returns the first that
// has a wrong answer.
func (r *Run) scanSamples(h *host.Host, when string) error {
	for _, s := range samples.All() {
		a, err := h.SendScan(r.Path(s.Name)).Wait(r.Limit)
		if host.IsFatal(err) {
			return err
		}
		if saw, wrong := describe(s, answer{a, err}); wrong != "" {
			return fmt.Errorf("%s: %s: expected %s, got %s", when, s.Name, s.Expect, saw)
		}
	}
	return nil
}

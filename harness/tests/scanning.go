package tests

import (
	"context"
	"fmt"
	"time"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/report"
	"github.com/avirkit/avirkit/harness/samples"
)

const (
	rounds = 5 // scans of each sample, as in the reference program

	// Workers end after a short idle time and a pause between the rounds is
	// longer, so that each round meets other threads.
	idle  = 20 * time.Millisecond
	pause = 60 * time.Millisecond
)

// Scanning scans each sample five times on a pool of threads that come and go.
func Scanning(ctx context.Context, r *Run) []report.Case {
	start := time.Now()
	load := report.Case{Test: "scanning", Name: "load and init", Expected: "plugin_init returns 1",
		Did: fmt.Sprintf("loaded %s on a worker thread", r.Plugin)}
	tally := newTally("scanning")
	h, took, err := r.begin(ctx, idle)
	load.Time = took
	load.Saw = "initialised"
	if err != nil {
		finish(&load, start, err, h)
		closeHost(h)
		return []report.Case{load}
	}
	finish(&load, start, nil, nil)

	run := time.Now()
	for round := range rounds {
		r.Show.Now("scanning: round %d of %d", round+1, rounds)
		var scans []host.Scan
		list := tally.worthAnother()
		for _, s := range list {
			scans = append(scans, h.SendScan(r.Path(s.Name)))
		}
		var again []samples.Sample
		for i, s := range list {
			answer, err := scans[i].Wait(r.Limit)
			if host.IsFatal(err) || err == nil && answer.Verdict == host.Error {
				again = append(again, s) // alone, to find the one that did it
				continue
			}
			tally.add(s, answer, err)
		}
		if len(again) > 0 {
			h.Close() // as the product does on ERROR
			h = r.oneByOne(ctx, again, tally)
		}
		if h == nil || ctx.Err() != nil {
			break
		}
		sleep(ctx, pause)
	}
	total := report.Case{Test: "scanning", Name: "stop", Expected: "plugin_close returns 1, the process ends",
		Did: fmt.Sprintf("stopped %d threads, closed and unloaded the plugin", r.Threads)}
	if h != nil {
		total.Saw = fmt.Sprintf("all scans took %s", time.Since(run).Round(time.Millisecond))
		start = time.Now()
		finish(&total, start, r.Finish(h), nil)
		closeHost(h)
	} else {
		finish(&total, start, fmt.Errorf("the server could not be started again"), nil)
	}
	return append(append([]report.Case{load}, tally.cases()...), total)
}

// begin starts a host with the plugin and workers, and returns plugin_init's time.
func (r *Run) begin(ctx context.Context, idle time.Duration) (*host.Host, time.Duration, error) {
	h, err := r.Open(ctx)
	if err != nil {
		return nil, 0, err
	}
	took, err := r.Begin(h)
	if err == nil {
		err = r.StartWorkers(h, r.Threads, idle)
	}
	return h, took, err
}

// oneByOne scans each sample in a server that is started again whenever the
// last scan ended it. It returns the last server, or nil when none started.
func (r *Run) oneByOne(ctx context.Context, list []samples.Sample, t *tally) *host.Host {
	var h *host.Host
	for _, s := range list {
		if h == nil {
			var err error
			if h, _, err = r.begin(ctx, idle); err != nil {
				t.add(s, host.Answer{}, err)
				closeHost(h)
				return nil
			}
		}
		answer, err := h.SendScan(r.Path(s.Name)).Wait(r.Limit)
		t.add(s, answer, err)
		if err != nil || answer.Verdict == host.Error {
			h.Close()
			h = nil
		}
	}
	if h == nil {
		h, _, _ = r.begin(ctx, idle)
	}
	return h
}

// closeHost closes h, which may be nil.
func closeHost(h *host.Host) {
	if h != nil {
		h.Close()
	}
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

package reference

import (
	"context"
	"fmt"
	"time"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/report"
	"github.com/avirkit/avirkit/harness/samples"
)

const (
	each = 5 // scans of each sample, as in the reference program

	// Workers end after a short idle time and the pause before the last round
	// is longer, so that it meets other threads.
	idle  = 20 * time.Millisecond
	pause = 60 * time.Millisecond
)

// Scanning scans each sample five times on a pool of threads that come and go:
// four times at once, so that scans wait for a thread, and then once more.
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
	for round, times := range []int{max(each-1, r.Threads/len(samples.All())+1), 1} {
		r.Show.Now("scanning: round %d of 2", round+1)
		again := r.round(h, times, tally)
		if len(again) > 0 {
			tally.hear(h)
			h.Close() // as the product does on ERROR
			h = r.oneByOne(ctx, again, tally)
		}
		if h == nil || ctx.Err() != nil {
			break
		}
		sleep(ctx, pause)
	}
	total := report.Case{Test: "scanning", Name: "stop", Expected: "plugin_close returns 1, the process ends",
		Did: "stopped the threads, closed and unloaded the plugin"}
	if h != nil {
		took := time.Since(run).Round(time.Millisecond)
		start = time.Now()
		made, err := r.StopWorkers(h)
		if err == nil {
			err = r.Finish(h)
		}
		total.Saw = fmt.Sprintf("all scans took %s, the last server made %d threads", took, made)
		tally.hear(h)
		finish(&total, start, err, h)
		closeHost(h)
	} else {
		finish(&total, start, fmt.Errorf("the server could not be started again"), nil)
	}
	return append(append([]report.Case{load}, tally.cases()...), total)
}

// round queues scans of each sample at once. It returns the samples whose scans
// the server did not survive: to be scanned alone, to find the one that did it.
func (r *Run) round(h *host.Host, times int, t *tally) (again []samples.Sample) {
	type sent struct {
		sample samples.Sample
		scan   host.Scan
	}
	var all []sent
	list := t.worthAnother()
	for range times {
		for _, s := range list {
			all = append(all, sent{s, h.SendScan(r.Path(s.Name))})
		}
	}
	lost := map[string]bool{}
	for _, s := range all { // when its turn comes, those before it have ended
		answer, err := s.scan.Wait(r.Limit)
		if host.IsFatal(err) || err == nil && answer.Verdict == host.Error {
			lost[s.sample.Name] = true
			continue
		}
		t.add(s.sample, answer, err)
	}
	for _, s := range list {
		if lost[s.Name] {
			again = append(again, s)
		}
	}
	return again
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
				t.hear(h)
				closeHost(h)
				return nil
			}
		}
		answer, err := h.SendScan(r.Path(s.Name)).Wait(r.Limit)
		t.add(s, answer, err)
		if err != nil || answer.Verdict == host.Error {
			t.hear(h)
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

package hostile

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/avirkit/avirkit/harness/samples"
)

var threadChecks = []Check{
	{"small-stacks", "scanned on threads with a stack of 16 KB",
		"the right verdict", "keep large buffers off the caller's stack", checkSmallStacks},
	{"thread-churn", "let up to 10,000 threads come, scan once and go, then 300 with a context at once",
		"memory, threads and descriptors do not grow", "free everything in plugin_thread_close, thread-local storage too", checkThreadChurn},
	{"cancel", "cancelled threads while they were scanning",
		"no hang, no crash, and other threads go on scanning", "disable cancellation (pthread_setcancelstate) around each call, above all while a lock is held", checkCancel},
	{"contexts", "used two contexts alternately on one thread and closed them one by one",
		"they do not disturb each other; close sets the context to NULL", "keep all state of a scan in its context", checkContexts},
	{"close-while-scanning", "called plugin_close while threads were scanning, then initialised again",
		"close returns promptly, the scans answer FAILED, the plugin works again", "cancel running scans in plugin_close and wait for them; scans that come later answer FAILED", checkCloseWhileScanning},
}

// smallestStack is PTHREAD_STACK_MIN.
const smallestStack = 16 << 10

func checkSmallStacks(ctx context.Context, e *env) (string, error) {
	h, err := e.Ready(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	var p problems
	for _, s := range samples.All() {
		if s.Name == samples.Huge { // not about stacks
			continue
		}
		facts, err := h.Call(e.Limit, fmt.Sprintf("the scan of %s on a stack of 16 KB", s.Name), "churn", "20", "1", strconv.Itoa(smallestStack), e.Path(s.Name))
		if err != nil {
			return "", err
		}
		if n := facts.Int("verdict." + strconv.Itoa(int(s.Expect))); n != facts.Int("made") || n == 0 {
			p.add("%s: %d of %d scans on a small stack answered %s", s.Name, n, facts.Int("made"), s.Expect)
		}
	}
	return "right verdicts on 16 KB", p.err()
}

func checkThreadChurn(ctx context.Context, e *env) (string, error) {
	h, err := e.Ready(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	// A thread opens a context and scans, and the antivirus may be slow at both.
	pace, err := e.pace(h, some(samples.Empty)...)
	if err != nil {
		return "", err
	}
	churn := func(count, atOnce int) error {
		facts, err := h.Call(e.timeFor(count, pace), "thread churn", "churn", strconv.Itoa(count), strconv.Itoa(atOnce), "65536", e.Path(samples.Empty))
		if err != nil {
			return err
		}
		var p problems
		if n := facts.Int("verdict.7"); n > 0 {
			p.add("plugin_thread_init failed on %d of %d threads", n, count)
		}
		if n := facts.Int("made"); n != count || facts.Int("refused") != 0 {
			p.add("only %d of %d threads could be made", n, count)
		}
		if n := facts.Int("verdict.1"); n != facts.Int("made") {
			p.add("%d of %d scans of %s answered OK", n, facts.Int("made"), samples.Empty)
		}
		return p.err()
	}
	count := afford(e.times(10_000, 4000), time.Minute/time.Duration(e.times(1, 10)), pace)
	if err := churn(min(1000, count), 8); err != nil {
		return "", err
	}
	saw, err := e.steady(h, 768, fmt.Sprintf("%d threads", count/2), func() error { return churn(count/2, 1) })
	if err != nil {
		return "", err
	}
	return saw, churn(300, 300)
}

func checkCancel(ctx context.Context, e *env) (string, error) {
	h, err := e.working(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	count := e.times(100, 40)
	pace, err := e.pace(h, some(samples.Eicar)...)
	if err != nil {
		return "", err
	}
	facts, err := h.Call(e.timeFor(count, pace), "pthread_cancel of scanning threads", "cancel", strconv.Itoa(count), e.Path(samples.Eicar))
	if err != nil {
		return "", err
	}
	var p problems
	if n := facts.Int("cancelled"); n != count {
		p.add("%d of %d threads could be cancelled: cancellation stays disabled after a call", n, count)
	}
	if err := e.eicarFound(h); err != nil {
		p.add("after the cancellations: %v", err)
	}
	return fmt.Sprintf("%d threads", count), p.err()
}

func checkContexts(ctx context.Context, e *env) (string, error) {
	eicar := "=" + e.Path(samples.Eicar)
	scan := func(context string) string {
		return "plugin_thread_test_file " + context + " =PATH =PATH null #0 [256 #256"
	}
	h, err := e.Ready(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	var p problems
	for _, step := range []struct {
		call string
		want int
	}{
		{"plugin_thread_init &context1", 1}, {"plugin_thread_init &context2", 1},
		{scan("context1"), 2}, {scan("context2"), 2}, {scan("context1"), 2},
		{"plugin_thread_close &context1", 1}, {scan("context2"), 2},
		{"plugin_thread_init &context1", 1}, {"plugin_thread_close &context2", 1},
		{scan("context1"), 2}, {"plugin_thread_close &context1", 1},
	} {
		facts, err := h.Call(e.Limit, readable(step.call), "call", callArgs(step.call, eicar)...)
		if err != nil {
			p.add("%v", err)
			return "", p.err()
		}
		if got := facts.Int("result"); got != step.want {
			p.add("%s returned %d, not %d", readable(step.call), got, step.want)
		}
		if step.call == "plugin_thread_close &context1" && facts.Int("context1") != 0 {
			p.add("plugin_thread_close did not set the context to NULL")
		}
	}
	return "two contexts side by side", p.err()
}

func checkCloseWhileScanning(ctx context.Context, e *env) (string, error) {
	rounds := e.times(10, 4)
	for i := range rounds {
		if err := e.closeBusy(ctx); err != nil {
			return "", fmt.Errorf("round %d of %d: %w", i+1, rounds, err)
		}
	}
	return fmt.Sprintf("%d rounds", rounds), nil
}

func (e *env) closeBusy(ctx context.Context) error {
	h, err := e.Ready(ctx)
	if err != nil {
		return err
	}
	defer e.done(h)
	if _, err := h.Call(e.Limit, "starting scans", "busy", "4", e.Path(samples.Eicar), e.Path(samples.Huge)); err != nil {
		return err
	}
	// Not until the threads have scanned something are they in the middle of it.
	if _, err := h.Call(e.Limit, "the first scans", "scanned", "8"); err != nil {
		return err
	}
	if _, err := h.Call(e.prompt(), "plugin_close while threads scan", "close"); err != nil {
		return err
	}
	if _, err := h.Call(e.Limit, "the scans after plugin_close", "scanned", "8"); err != nil {
		return err
	}
	facts, err := h.Call(e.Limit, "the scans after plugin_close", "calm")
	if err != nil {
		return err
	}
	p := onlyFound(facts, 0)
	if err := p.err(); err != nil {
		return err
	}
	if _, err := e.Set(h); err != nil {
		return err
	}
	if _, err := e.Init(h); err != nil {
		return err
	}
	if err := e.StartWorkers(h, 2, 0); err != nil {
		return err
	}
	return e.eicarFound(h)
}

package hostile

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/samples"
)

// hostChecks are about what a host may do for itself, which the product's own
// server does not do today.
var hostChecks = []Check{
	{"alternate-stacks", "let scanning threads switch their alternate signal stack off, exchange it, and use one that disarms itself, while signals arrive",
		"no crash, right verdicts", "look at the thread's alternate stack at each call, not once for each thread", checkAlternateStacks},
	{"host-handlers", "sent the host signals for which it has handlers from before the load, at rest and during scans",
		"the host's handler runs for each", "leave signals alone that are not yours, and pass on what you must take (SIGSEGV, SIGURG)", checkHostHandlers},
	{"untouched-memory", "handed over options and room for texts in memory that the host's handler of SIGSEGV makes accessible when it is touched",
		"the same answers as ever", "read and write the host's memory in ordinary code, which its handler can go on with; no system call can", checkUntouchedMemory},
	{"endless-options", "set a list of options that has no end, and that the end of the memory follows",
		"no crash", "make sure that the memory of the next entry is there, as testdata/cplugin does with msync", checkEndlessOptions},
	{"children", "scanned in hosts that ignore SIGCHLD, or wait for every child that ends",
		"right verdicts", "do not wait for the status of a program that you start: the host may have taken it; let it answer through a pipe", checkChildren},
}

func checkAlternateStacks(ctx context.Context, e *env) (string, error) {
	var saw []string
	for _, kind := range []string{"off", "own", "autodisarm"} {
		n, err := e.scansOnStacks(ctx, kind)
		if err != nil {
			return "", fmt.Errorf("stacks of the kind %q: %w", kind, err)
		}
		saw = append(saw, fmt.Sprintf("%s: %d scans", kind, n))
	}
	return strings.Join(saw, ", "), nil
}

func (e *env) scansOnStacks(ctx context.Context, kind string) (scans int, err error) {
	h, err := e.Ready(ctx)
	if err != nil {
		return 0, err
	}
	defer e.done(h)
	ms := strconv.Itoa(e.times(1500, 300))
	for _, step := range []struct {
		what, verb string
		args       []string
	}{
		{"choosing stacks", "stacks", []string{kind}},
		{"starting scans", "busy", []string{"4", e.Path(samples.Eicar)}},
		{"the first scans", "scanned", []string{"8"}},
		{"a storm of signals", "storm", []string{ms, strconv.Itoa(int(syscall.SIGURG))}},
		{"the scans after the storm", "scanned", []string{"8"}},
	} {
		if _, err := h.Call(e.Limit, step.what, step.verb, step.args...); err != nil {
			return 0, err
		}
	}
	facts, err := h.Call(e.Limit, "stopping scans", "calm")
	if err != nil {
		return 0, err
	}
	p := mostlyFound(facts, 0)
	return facts.Int("scans"), p.err()
}

// hostSignals are those for which ordinary programs have handlers. SIGSEGV, sent
// by kill, stands for the faults.
var hostSignals = []syscall.Signal{
	syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM, syscall.SIGTERM, syscall.SIGCHLD,
	syscall.SIGURG, syscall.SIGIO, syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGFPE,
}

func checkHostHandlers(ctx context.Context, e *env) (string, error) {
	h, err := e.Open(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	if err := e.handle(h, "small", hostSignals...); err != nil {
		return "", err
	}
	if _, err := e.Begin(h); err != nil {
		return "", err
	}
	var p problems
	send := func(when string) error {
		const times = 10
		for _, s := range hostSignals {
			facts, err := h.Call(e.Limit, host.SignalName(s)+" "+when, "raise", strconv.Itoa(int(s)), strconv.Itoa(times))
			if err != nil {
				return err
			}
			if n := facts.Int("caught"); n < times {
				p.add("%s: the host's handler for %s ran %d times for %d signals", when, host.SignalName(s), n, times)
			}
		}
		return nil
	}
	if err := send("at rest"); err != nil {
		return "", err
	}
	if _, err := h.Call(e.Limit, "starting scans", "busy", "2", e.Path(samples.Eicar)); err != nil {
		return "", err
	}
	if _, err := h.Call(e.Limit, "the first scans", "scanned", "4"); err != nil {
		return "", err
	}
	if err := send("during scans"); err != nil {
		return "", err
	}
	if _, err := h.Call(e.Limit, "stopping scans", "calm"); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d signals, each caught", len(hostSignals)), p.err()
}

func checkUntouchedMemory(ctx context.Context, e *env) (string, error) {
	h, err := e.Open(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	if err := e.handle(h, "commit", syscall.SIGSEGV); err != nil {
		return "", err
	}
	if _, err := e.Begin(h); err != nil {
		return "", err
	}
	options, err := h.Call(e.Limit, "get_plugin_config", "options")
	if err != nil {
		return "", err
	}
	known := min(1, len(options.Keys))
	path := "=" + e.Path(samples.Eicar)
	var p problems
	for _, step := range []struct {
		want int // of the result; -1 for a function that returns nothing
		args []string
	}{
		{-1, []string{"get_plugin_info", "lazy[260"}},
		{-1, []string{"get_error_message", "lazy[512", "#512"}},
		{known, []string{"set_plugin_config", "lazysettings"}},
		{1, []string{"plugin_thread_init", "&context1"}},
		{int(host.VirusFound), []string{"plugin_thread_test_file", "context1", path, path, "null", "#0", "lazy[256", "#256"}},
		{int(host.VirusFound), []string{"plugin_thread_test_file", "context1", path, "null", "null", "#0", "lazy[4096", "#4096"}},
		{1, []string{"plugin_thread_close", "&context1"}},
	} {
		what := step.args[0] + " with memory that nobody has touched"
		facts, err := h.Call(e.Limit, what, "call", step.args...)
		if err != nil {
			return "", err
		}
		if got := facts.Int("result"); step.want >= 0 && got != step.want {
			p.add("%s: returned %d, not %d", what, got, step.want)
		}
		if step.want == int(host.VirusFound) && facts.Get("text") == "" && facts.Int("result") == step.want {
			p.add("%s: no name of the virus", what)
		}
	}
	return "the same answers as ever", p.err()
}

func checkEndlessOptions(ctx context.Context, e *env) (string, error) {
	h, err := e.Ready(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	const what = "set_plugin_config with a list without an end"
	facts, err := h.Call(e.Limit, what, "call", "set_plugin_config", "endlesssettings")
	if err != nil {
		return "", err
	}
	var p problems
	if n := facts.Int("result"); n != 0 {
		p.add("%s: returned %d for options that no plugin has", what, n)
	}
	return "the list ended where its memory does", p.err()
}

func checkChildren(ctx context.Context, e *env) (string, error) {
	var p problems
	for _, host := range []struct{ kind, words string }{
		{"ignore", "a host that ignores SIGCHLD"}, {"reap", "a host that waits for all children"},
	} {
		if err := e.withChildren(ctx, host.kind); err != nil {
			p.add("%s: %v", host.words, err)
		}
	}
	return "works where the host ignores its children, and where it waits for all", p.err()
}

func (e *env) withChildren(ctx context.Context, kind string) error {
	h, err := e.Open(ctx)
	if err != nil {
		return err
	}
	defer e.done(h)
	if err := e.handle(h, kind, syscall.SIGCHLD); err != nil {
		return err
	}
	if _, err := e.Begin(h); err != nil {
		return err
	}
	if err := e.StartWorkers(h, 2, 0); err != nil {
		return err
	}
	for range e.times(20, 5) {
		if err := e.eicarFound(h); err != nil {
			return err
		}
	}
	return e.Finish(h)
}

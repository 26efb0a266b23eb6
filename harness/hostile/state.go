package hostile

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"syscall"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/samples"
)

// The host's own descriptors begin here, see avserver/wire.c.
const firstHostDescriptor = 100

// Signals that a plugin's language runtime may take over: faults of its own
// code, if it hands those of others on (the check host-crash looks at that), and
// one that nobody uses because it is ignored by default.
var (
	faultSignals  = []syscall.Signal{syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGFPE}
	unusedSignals = []syscall.Signal{syscall.SIGURG}
)

// What of the host's state is compared.
func watched(key string) bool {
	if key == "signal.32" || key == "signal.33" { // the C library's own
		return false
	}
	for _, prefix := range []string{"limit.", "signal."} {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return slices.Contains([]string{"umask", "directory", "locale", "environment", "name",
		"dumpable", "priority", "timer", "mask", "cancel-enabled"}, key)
}

// changes compares two states of a process and returns what a plugin must not
// have changed.
func changes(before, after host.Facts) (p problems) {
	keys := map[string]bool{}
	for _, k := range append(slices.Clone(before.Keys), after.Keys...) {
		keys[k] = true
	}
	sorted := make([]string, 0, len(keys))
	for k := range keys {
		sorted = append(sorted, k)
	}
	sort.Strings(sorted)
	for _, k := range sorted {
		was, is := before.Get(k), after.Get(k)
		switch {
		case strings.HasPrefix(k, "fd."):
			p = append(p, descriptor(k, was, is)...)
		case was == is || !watched(k) || harmless(k, was, is):
		case k == "mask":
			p.add("the signal mask of a host thread changed: %s", maskChange(was, is))
		case strings.HasPrefix(k, "signal."):
			p.add("%s was %s and is %s now", signalName(k), orDefault(was), orDefault(is))
		default:
			p.add("%s was %q and is %q now", k, was, is)
		}
	}
	return p
}

// descriptor judges one descriptor: a plugin may open some, but a program that
// the host starts must not inherit them.
func descriptor(key, was, is string) (p problems) {
	fd, _ := strconv.Atoi(strings.TrimPrefix(key, "fd."))
	switch {
	case fd >= firstHostDescriptor:
	case was != "" && was != is:
		p.add("descriptor %d of the host was %q and is %q now", fd, was, is)
	case was == "" && strings.HasSuffix(is, " inherited"):
		p.add("descriptor %d (%s) has no CLOEXEC: programs that the host starts inherit it", fd, strings.TrimSuffix(is, " inherited"))
	}
	return p
}

func harmless(key, was, is string) bool {
	if !strings.HasPrefix(key, "signal.") {
		return false
	}
	n, _ := strconv.Atoi(strings.TrimPrefix(key, "signal."))
	// An alternate stack helps every handler.
	if strings.ReplaceAll(is, " onstack", "") == was {
		return true
	}
	return slices.Contains(faultSignals, syscall.Signal(n)) ||
		was == "" && slices.Contains(unusedSignals, syscall.Signal(n))
}

func signalName(key string) string {
	n, _ := strconv.Atoi(strings.TrimPrefix(key, "signal."))
	return "the handling of " + host.SignalName(syscall.Signal(n))
}

func orDefault(s string) string {
	if s == "" {
		return "default"
	}
	return s
}

func maskChange(was, is string) string {
	var changed []string
	for i := range min(len(was), len(is)) {
		if was[i] != is[i] {
			what := " unblocked"
			if is[i] == '1' {
				what = " blocked"
			}
			changed = append(changed, host.SignalName(syscall.Signal(i+1))+what)
		}
	}
	return strings.Join(changed, ", ")
}

func checkState(ctx context.Context, e *env) (string, error) {
	h, err := e.Open(ctx, "--limit", "nofile=256") // a Go runtime raises it
	if err != nil {
		return "", err
	}
	defer e.done(h)
	if err := e.handle(h, "small", syscall.SIGUSR1, syscall.SIGALRM, syscall.SIGCHLD, syscall.SIGTERM, syscall.SIGSEGV); err != nil {
		return "", err
	}
	before, err := e.state(h)
	if err != nil {
		return "", err
	}
	var p problems
	note := func(when string, found problems) {
		for _, change := range found {
			if !slices.ContainsFunc(p, func(old string) bool { return strings.HasSuffix(old, change) }) {
				p.add("%s: %s", when, change)
			}
		}
	}
	steps := []struct {
		when string
		do   func() error
	}{
		{"after the load", func() error { _, err := e.Load(h); return err }},
		{"after plugin_init", func() error {
			if _, err := e.Set(h); err != nil {
				return err
			}
			_, err := e.Init(h)
			return err
		}},
		{"after scans", func() error {
			if err := e.StartWorkers(h, 2, 0); err != nil {
				return err
			}
			for _, s := range samples.All() {
				if _, err := h.SendScan(e.Path(s.Name)).Wait(e.Limit); err != nil {
					return err
				}
			}
			return nil
		}},
		{"during scans", func() error {
			found, err := e.inherited(h, before)
			note("during scans", found)
			return err
		}},
		{"after plugin_close", func() error { return e.Stop(h) }},
	}
	for _, s := range steps {
		if err := s.do(); err != nil {
			return "", err
		}
		after, err := e.state(h)
		if err != nil {
			return "", err
		}
		note(s.when, changes(before, after))
	}
	return fmt.Sprintf("%d facts compared five times, descriptors during scans", len(before.Keys)), p.err()
}

// inherited looks for descriptors that are open for the time of a scan alone. A
// program that the host starts just then inherits them.
func (e *env) inherited(h *host.Host, before host.Facts) (p problems, err error) {
	const looks = 50
	if _, err := h.Call(e.Limit, "starting scans", "busy", "2", e.Path(samples.Eicar), e.Path(samples.Huge)); err != nil {
		return nil, err
	}
	for range looks {
		now, err := h.Call(e.Limit, "looking at the process", "state")
		if err != nil {
			return nil, err
		}
		for _, k := range now.Keys {
			if strings.HasPrefix(k, "fd.") && before.Get(k) == "" && len(p) == 0 {
				p = descriptor(k, "", now.Get(k))
			}
		}
	}
	_, err = h.Call(e.Limit, "stopping scans", "calm")
	return p, err
}

// state looks at the process, and at the thread that loaded the plugin.
func (e *env) state(h *host.Host) (host.Facts, error) {
	facts, err := h.Call(e.Limit, "looking at the process", "state")
	if err != nil {
		return facts, err
	}
	thread, err := h.Call(e.Limit, "looking at a thread", "thread")
	if err != nil {
		return facts, err
	}
	for _, k := range thread.Keys {
		was, is := facts.Get(k), thread.Get(k)
		switch {
		case is == was:
		case k == "mask":
			return facts, fmt.Errorf("the signal mask of the thread that loads the plugin is not the main thread's: %s", maskChange(was, is))
		default:
			return facts, fmt.Errorf("the thread that loads the plugin has %s %q, the main thread %q", k, is, was)
		}
	}
	return facts, nil
}

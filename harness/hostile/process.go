package hostile

import (
	"context"
	"fmt"
	"strconv"
	"syscall"
	"time"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/samples"
)

var processChecks = []Check{
	{"state", "compared limits, descriptors, umask, signal masks and handlers, locale, directory and environment before and after the load, init, scans and close, and descriptors during scans",
		"all as before", "put back what you or your runtime changed (RLIMIT_NOFILE, handlers, masks) before the call returns; open with CLOEXEC", checkState},
	{"output", "watched descriptors 1 and 2 during a whole life",
		"nothing is written", "log through the callback only", checkOutput},
	{"closed-descriptors", "closed descriptors 0 to 2 before the load and let files of the host have the numbers",
		"the plugin works and writes nothing into them", "never write to a fixed descriptor number", checkClosedDescriptors},
	{"fork", "forked while threads were scanning and called every function in the child; started a program",
		"each call returns in the child, and none says OK", "detect the fork (pthread_atfork, getpid) and return an error at once: threads and locks are not there in the child", checkFork},
	{"signals", "sent storms of signals to the process and to scanning threads, with handlers from before and after the load that use 64 KB of stack",
		"no crash, right verdicts", "block signals in your own threads; give the host's threads an alternate stack that is large enough, or none", checkSignals},
	{"host-crash", "let the host crash by itself, with a crash handler of its own, and in the log callback with the plugin on the stack",
		"it dies by a signal at once, or its own handler runs", "do not swallow faults that are not yours: pass them on to the handler that was there before", checkHostCrash},
	{"exit", "ended the host with exit() while threads were scanning and logging",
		"status 0 in bounded time", "stop logging when the host exits: guard the callback with a lock that plugin_close and an exit handler take", checkExit},
}

func checkFork(ctx context.Context, e *env) (string, error) {
	h, err := e.Ready(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	eicar := e.Path(samples.Eicar)
	if _, err := h.Call(e.Limit, "plugin_thread_init", "call", "plugin_thread_init", "&context1"); err != nil {
		return "", err
	}
	const threads = "3"
	if _, err := h.Call(e.Limit, "starting scans", "busy", threads, eicar); err != nil {
		return "", err
	}
	// On a slow processor the first scans have not even begun when the threads
	// have, and a fork before them proves nothing.
	first, err := h.Call(e.Limit, "the first scans", "scanned", threads)
	if err != nil {
		return "", err
	}
	calls := [][]string{
		{"get_plugin_info", "[260"},
		{"get_error_message", "[64", "#64"},
		{"set_plugin_config", "settings1"},
		{"get_plugin_config"},
		{"plugin_thread_init", "&context2"},
		{"plugin_thread_test_file", "context1", "=" + eicar, "=" + eicar, "null", "#0", "[256", "#256"},
		{"plugin_thread_close", "&context1"},
		{"plugin_init", "log"},
		{"plugin_close"},
	}
	answer := max(2*time.Second, e.prompt()) // it takes microseconds; the machine may be busy
	var p problems
	hung := 0
	for _, call := range calls {
		for range e.times(4, 2) {
			facts, err := h.Call(e.Limit+answer, "fork and "+call[0], "fork", append([]string{strconv.Itoa(int(answer.Milliseconds()))}, call...)...)
			if err != nil {
				return "", err
			}
			wrong := ""
			switch {
			case facts.Int("hung") != 0:
				wrong = fmt.Sprintf("%s hung in a forked child", call[0])
				hung++
			case facts.Int("signal") != 0:
				wrong = fmt.Sprintf("%s was killed by %s in a forked child", call[0], host.SignalName(syscall.Signal(facts.Int("signal"))))
			case call[0] == "plugin_thread_test_file" && facts.Int("result") == int(host.OK):
				wrong = "a scan in a forked child answered OK for EICAR"
			}
			if wrong != "" {
				p.add("%s", wrong)
				break
			}
		}
		if hung == 2 { // each costs all of its time
			return "", p.err()
		}
	}
	if _, err := h.Call(e.Limit, "the scans after the forks", "scanned", threads); err != nil {
		return "", err
	}
	facts, err := h.Call(e.Limit, "stopping scans", "calm")
	if err != nil {
		return "", err
	}
	p = append(p, mostlyFound(facts, 0)...)
	facts, err = h.Call(e.Limit, "fork and exec", "run", "/bin/true")
	if err != nil {
		return "", err
	}
	if facts.Int("result") != 0 {
		p.add("a program that the host started ended with status %d, signal %d", facts.Int("result"), facts.Int("signal"))
	}
	return fmt.Sprintf("%d functions returned in the child; the first scans took %s", len(calls), first.Duration("ns").Round(time.Millisecond)), p.err()
}

// onlyFound judges what a loop says about an infected file.
func onlyFound(facts host.Facts, file int) (p problems) {
	for _, v := range []host.Verdict{host.OK, host.Error} {
		if count := facts.Int(fmt.Sprintf("file.%d.%d", file, v)); count > 0 {
			p.add("%d scans of EICAR answered %s", count, v)
		}
	}
	if count := facts.Int(fmt.Sprintf("file.%d.7", file)); count > 0 {
		p.add("%d scans left vir_info without NUL or wrote outside of it", count)
	}
	if facts.Int("scans") == 0 {
		p.add("no scan ended")
	}
	return p
}

// mostlyFound is for scans that something may make fail now and then.
func mostlyFound(facts host.Facts, file int) problems {
	p := onlyFound(facts, file)
	found, failed := facts.Int(fmt.Sprintf("file.%d.%d", file, host.VirusFound)), facts.Int(fmt.Sprintf("file.%d.%d", file, host.Failed))
	if found == 0 || failed > found {
		p.add("%d scans of EICAR answered %s and %d %s", found, host.VirusFound, failed, host.Failed)
	}
	return p
}

func checkSignals(ctx context.Context, e *env) (string, error) {
	runs, sent := e.times(30, 8), 0
	for i := range runs {
		n, err := e.storm(ctx)
		if err != nil {
			return "", fmt.Errorf("run %d of %d: %w", i+1, runs, err)
		}
		sent += n
	}
	return fmt.Sprintf("%d signals in %d runs", sent, runs), nil
}

// handle gives the host a handler of a kind of avserver/storm.c for each signal.
func (e *env) handle(h *host.Host, kind string, signals ...syscall.Signal) error {
	for _, s := range signals {
		if _, err := h.Call(e.Limit, "installing a handler for "+host.SignalName(s), "handler", strconv.Itoa(int(s)), kind); err != nil {
			return err
		}
	}
	return nil
}

func (e *env) storm(ctx context.Context) (sent int, err error) {
	h, err := e.Open(ctx)
	if err != nil {
		return 0, err
	}
	defer e.done(h)
	if err := e.handle(h, "small", syscall.SIGUSR1); err != nil {
		return 0, err
	}
	if err := e.handle(h, "big", syscall.SIGCHLD); err != nil {
		return 0, err
	}
	if _, err := e.Begin(h); err != nil {
		return 0, err
	}
	if err := e.handle(h, "small", syscall.SIGUSR2); err != nil {
		return 0, err
	}
	if err := e.handle(h, "big", syscall.SIGALRM); err != nil {
		return 0, err
	}
	if _, err := h.Call(e.Limit, "starting scans", "busy", "4", e.Path(samples.Eicar), e.Path(samples.Missing)); err != nil {
		return 0, err
	}
	args := []string{"150"}
	for _, s := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM, syscall.SIGCHLD, syscall.SIGURG} {
		args = append(args, strconv.Itoa(int(s)))
	}
	facts, err := h.Call(e.Limit, "a storm of signals", "storm", args...)
	if err != nil {
		return 0, err
	}
	// On a slow processor the storm may leave the threads no time to scan.
	if _, err := h.Call(e.Limit, "the scans after the storm", "scanned", "4"); err != nil {
		return 0, err
	}
	tally, err := h.Call(e.Limit, "stopping scans", "calm")
	if err != nil {
		return 0, err
	}
	p := mostlyFound(tally, 0)
	if facts.Int("caught") == 0 {
		p.add("the host's handlers caught none of %d signals", facts.Int("sent"))
	}
	if err := p.err(); err != nil {
		return 0, err
	}
	if err := e.StartWorkers(h, 1, 0); err != nil {
		return 0, err
	}
	if err := e.eicarFound(h); err != nil {
		return 0, fmt.Errorf("after the storm: %w", err)
	}
	return facts.Int("sent"), e.Stop(h)
}

func checkExit(ctx context.Context, e *env) (string, error) {
	runs := e.times(20, 8)
	for i := range runs {
		h, err := e.Ready(ctx)
		if err != nil {
			return "", err
		}
		_, err = h.Call(e.Limit, "starting scans", "busy", "4", e.Path(samples.Missing), e.Path(samples.Empty))
		if err == nil {
			_, err = h.Call(e.Limit, "the first scans", "scanned", "8")
		}
		if err == nil {
			h.Send("exit()", "end", "exit")
			err = h.WaitEnd("exit() while threads scan", e.prompt())
		}
		e.done(h)
		if err != nil {
			return "", fmt.Errorf("run %d of %d: %w", i+1, runs, err)
		}
	}
	return fmt.Sprintf("%d exits with status 0", runs), nil
}

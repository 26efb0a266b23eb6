package hostile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/samples"
)

// handlerStatus is how the host ends when its own crash handler has run.
const handlerStatus = 77

func checkHostCrash(ctx context.Context, e *env) (string, error) {
	var saw []string
	var p problems
	for _, crash := range []func(context.Context) (string, error){e.plainCrash, e.handledCrash, e.logCrash} {
		text, err := crash(ctx)
		if err != nil {
			p.add("%v", err)
		}
		saw = append(saw, text)
	}
	return strings.Join(saw, "; "), p.err()
}

func (e *env) plainCrash(ctx context.Context) (string, error) {
	h, err := e.working(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	start := time.Now()
	h.Send("a crash of the host", "end", "crash")
	return e.diedBySignal(h, start)
}

// diedBySignal waits for the end of a host that crashes.
func (e *env) diedBySignal(h *host.Host, start time.Time) (string, error) {
	err := h.WaitEnd("a crash of the host", e.prompt())
	var died *host.Died
	if !errors.As(err, &died) || h.Signal() == "" {
		return "", fmt.Errorf("the crashing host did not die by a signal: %w", ended(err))
	}
	return fmt.Sprintf("%s after %s", h.Signal(), time.Since(start).Round(time.Millisecond)), nil
}

// ended is for the error of a host that should not have ended well.
func ended(err error) error {
	if err == nil {
		return errors.New("it ended with exit status 0")
	}
	return err
}

// handledCrash crashes a host that has a handler for it from before the load,
// as one that writes a crash report.
func (e *env) handledCrash(ctx context.Context) (string, error) {
	h, err := e.Open(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	if err := e.handle(h, "exit", syscall.SIGSEGV); err != nil {
		return "", err
	}
	if _, err := e.Begin(h); err != nil {
		return "", err
	}
	h.Send("a crash of the host", "end", "crash")
	err = h.WaitEnd("a crash of a host that handles SIGSEGV", e.prompt())
	if status := h.ExitStatus(); status != handlerStatus {
		return "", fmt.Errorf("the host's own handler for SIGSEGV did not run: %w", ended(err))
	}
	return "the host's handler ran", nil
}

// logCrash crashes in the log callback.
func (e *env) logCrash(ctx context.Context) (string, error) {
	h, err := e.working(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	if _, err := h.Call(e.Limit, "preparing the log callback", "crash-in-log"); err != nil {
		return "", err
	}
	start := time.Now()
	if _, err := h.SendScan(e.dir + "/nothing/" + samples.Clean + "/x").Wait(e.prompt()); err == nil {
		if _, err := h.SendScan(e.Path(samples.Eicar) + "/x").Wait(e.prompt()); err == nil {
			return "the plugin logged nothing that could crash", nil
		}
	}
	return e.diedBySignal(h, start)
}

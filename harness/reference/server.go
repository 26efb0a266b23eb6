package reference

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/report"
)

// Server runs the plugin in three server processes, which end in three ways.
func Server(ctx context.Context, r *Run) []report.Case {
	rounds := []struct {
		name, did string
		end       func(*host.Host) error
	}{
		{"orderly stop", "closed all contexts, closed the plugin, ended the server", r.Finish},
		{"server dies", "killed the server with SIGKILL", r.kill},
		{"client detaches", "closed the connection: the server must end by itself",
			func(h *host.Host) error { return h.Hangup(r.Limit) }},
	}
	var cases []report.Case
	for i, round := range rounds {
		r.Show.Now("server: round %d of %d: %s", i+1, len(rounds), round.name)
		start := time.Now()
		c := report.Case{Test: "server", Name: round.name, Saw: "right verdicts, nothing left behind",
			Did: "loaded, scanned all samples, " + round.did, Expected: "right verdicts, nothing left behind"}
		h, _, err := r.begin(ctx, time.Second)
		if err == nil {
			err = r.scanSamples(h, "in the server")
		}
		if err == nil {
			err = round.end(h)
		}
		if err == nil && h.HasOrphans() {
			err = errors.New("a process that the plugin started outlives the server")
			c.Advice = "end child processes when the host ends: PR_SET_PDEATHSIG, or a pipe that they watch"
		}
		finish(&c, start, err, h)
		closeHost(h)
		cases = append(cases, c)
	}
	return cases
}

func (r *Run) kill(h *host.Host) error {
	if err := syscall.Kill(h.Pid(), syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill the server: %w", err)
	}
	var died *host.Died
	err := h.WaitEnd("the kill", r.Limit)
	if err == nil {
		err = errors.New("it ended with exit status 0")
	}
	if !errors.As(err, &died) {
		return fmt.Errorf("the killed server: %w", err)
	}
	return nil
}

package hostile

import (
	"context"
	"fmt"
	"os"

	"github.com/avirkit/avirkit/harness/samples"
)

func checkOutput(ctx context.Context, e *env) (string, error) {
	h, err := e.working(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	for _, s := range samples.All() {
		if _, err := h.SendScan(e.Path(s.Name)).Wait(e.Limit); err != nil {
			return "", err
		}
	}
	if err := e.Finish(h); err != nil {
		return "", err
	}
	var p problems
	stdout, stderr := h.Output()
	for i, text := range []string{stdout, stderr} {
		if text != "" {
			p.add("%d bytes were written to descriptor %d: %q", len(text), i+1, text[:min(len(text), 80)])
		}
	}
	return "nothing was written", p.err()
}

func checkClosedDescriptors(ctx context.Context, e *env) (string, error) {
	h, err := e.Open(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	if _, err := h.Call(e.Limit, "closing descriptors 0 to 2", "close-standard"); err != nil {
		return "", err
	}
	if _, err := e.Begin(h); err != nil {
		return "", err
	}
	opened, err := h.Call(e.Limit, "opening files", "check-standard", "open", e.dir)
	if err != nil {
		return "", err
	}
	if err := e.StartWorkers(h, 2, 0); err != nil {
		return "", err
	}
	var p problems
	if err := e.eicarFound(h); err != nil {
		p.add("%v", err)
	} else if _, err := h.SendScan(e.Path(samples.Missing)).Wait(e.Limit); err != nil {
		p.add("%v", err)
	}
	if len(p) == 0 {
		if err := e.Stop(h); err != nil {
			p.add("%v", err)
		}
	}
	for i := range 3 { // the files themselves: the host may be gone
		path := fmt.Sprintf("%s/standard-%d", e.dir, i)
		if info, err := os.Stat(path); err == nil && info.Size() > 0 {
			p.add("%d bytes were written into a file of the host that has a standard descriptor's number", info.Size())
		}
	}
	return fmt.Sprintf("the host's files got %d of the three numbers and stayed empty", opened.Int("taken")), p.err()
}

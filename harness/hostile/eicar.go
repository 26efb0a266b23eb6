package hostile

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/reference"
	"github.com/avirkit/avirkit/harness/samples"
)

// needsEicar are the checks that know by VIRUS_FOUND that a scan has worked.
// What they advise would mislead the author of a plugin that never says so.
var needsEicar = []string{
	"nulls", "order", "names", "special-files", "closed-descriptors", "fork", "signals", "small-stacks", "cancel",
	"contexts", "close-while-scanning", "address-space", "process-limit", "stack-limit", "environment",
	"alternate-stacks", "host-handlers", "untouched-memory", "children", "kernel-floor", "reload", "two-plugins", "thread-churn", "leak",
}

// refuseBlind lets the checks that need EICAR fail with the one reason when the
// plugin doesn't find it under the best of conditions.
func refuseBlind(ctx context.Context, r *reference.Run, checks []Check) {
	depends := func(c Check) bool { return slices.Contains(needsEicar, c.Name) }
	if !slices.ContainsFunc(checks, depends) {
		return
	}
	got, blind := missesEicar(ctx, r)
	if !blind {
		return
	}
	for i := range checks {
		if depends(checks[i]) {
			checks[i].Did, checks[i].Advice = "nothing", ""
			checks[i].run = func(context.Context, *env) (string, error) {
				return "", fmt.Errorf("needs a plugin that finds %s, which was answered with %s", samples.Eicar, got)
			}
		}
	}
}

// missesEicar tells of an answer that is proper and wrong. A plugin that
// crashes, hangs or breaks the interface is for the checks themselves.
func missesEicar(ctx context.Context, r *reference.Run) (got host.Verdict, blind bool) {
	h, err := r.Workers(ctx, 1, time.Second)
	if err != nil {
		return 0, false
	}
	defer h.Close()
	a, err := h.SendScan(r.Path(samples.Eicar)).Wait(r.Limit)
	return a.Verdict, err == nil && a.Fault() == "" && a.Verdict != host.VirusFound
}

// eicarFound scans the EICAR sample and returns an error unless it is found.
func (e *env) eicarFound(h *host.Host) error {
	return e.expect(h, e.Path(samples.Eicar), host.VirusFound)
}

// expect scans a file and returns an error unless it has the verdict; it is a
// *host.Refused when the plugin said that it could not scan.
func (e *env) expect(h *host.Host, path string, want host.Verdict) error {
	a, err := h.SendScan(path).Wait(e.Limit)
	what := fmt.Sprintf("the scan of %q", path)
	switch {
	case err != nil:
		return err
	case a.Verdict == host.NoContext:
		return &host.Refused{During: what, Text: a.Fault()}
	case a.Fault() != "":
		return fmt.Errorf("%s: %s", what, a.Fault())
	case a.Verdict == want:
		return nil
	}
	wrong := fmt.Sprintf("expected %s, got %s %q", want, a.Verdict, a.Text)
	if a.Verdict == host.Failed || a.Verdict == host.Impossible {
		return &host.Refused{During: what, Text: wrong}
	}
	return fmt.Errorf("%s: %s", what, wrong)
}

package hostile

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/samples"
	"github.com/avirkit/avirkit/harness/tests"
)

// needsEicar are the checks that know by VIRUS_FOUND that a scan has worked.
// What they advise would mislead the author of a plugin that never says so.
var needsEicar = []string{
	"nulls", "order", "names", "special-files", "closed-descriptors", "fork", "signals", "small-stacks", "cancel",
	"contexts", "close-while-scanning", "address-space", "process-limit", "stack-limit", "environment",
	"kernel-floor", "reload", "two-plugins", "thread-churn", "leak",
}

// refuseBlind lets the checks that need EICAR fail with the one reason when the
// plugin doesn't find it under the best of conditions.
func refuseBlind(ctx context.Context, r *tests.Run, checks []Check) {
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
func missesEicar(ctx context.Context, r *tests.Run) (got host.Verdict, blind bool) {
	h, err := r.Workers(ctx, 1, time.Second)
	if err != nil {
		return 0, false
	}
	defer h.Close()
	a, err := h.SendScan(r.Path(samples.Eicar)).Wait(r.Limit)
	return a.Verdict, err == nil && a.Fault() == "" && a.Verdict != host.VirusFound
}

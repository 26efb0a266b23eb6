package hostile

import (
	"context"
	"fmt"
	"time"

	"github.com/avirkit/avirkit/harness/samples"
)

func checkLeak(ctx context.Context, e *env) (string, error) {
	const threads = 8
	h, err := e.Ready(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	// Each way out of a scan may leak: the ones that ask the antivirus, and
	// those that don't, which are cheap.
	asking, light := some(samples.Clean, samples.Eicar, "eicar.zip", "eicarpwd.zip"), some(samples.Empty, samples.Missing)
	pace, err := e.pace(h, asking...)
	if err != nil {
		return "", err
	}
	// With half as many to warm up, real scans take a minute at most.
	budget := 24 * time.Second
	if e.Quick {
		budget /= 10
	}
	reals, lights := afford(e.times(36_000, 9000), budget, pace), e.times(14_000, 6000)
	scans := func(reals, lights int) error {
		if err := e.spree(h, threads, reals, pace, asking...); err != nil {
			return err
		}
		return e.spree(h, threads, lights, 0, light...)
	}
	begin, err := e.state(h)
	if err != nil {
		return "", err
	}
	// A heap finds its size; an early failure is explained by what grew.
	if err := scans(reals/2, lights/2); err != nil {
		return "", e.because(h, begin, err)
	}
	count := reals + lights
	saw, err := e.steady(h, leaked(count), fmt.Sprintf("%d scans", count), func() error { return scans(reals, lights) })
	if err != nil {
		return "", err
	}
	if err := e.StartWorkers(h, 1, 0); err != nil {
		return "", err
	}
	return saw, e.eicarFound(h)
}

// leaked is how much may be left of so many scans, in KiB: 21 bytes of each,
// but not less than a heap may grow by itself.
func leaked(count int) int { return max(512, count*21/1024) }

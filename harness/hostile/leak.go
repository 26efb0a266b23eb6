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
	// Each way out of a scan may leak: those that ask the antivirus, and those
	// that mostly don't, which are cheap. With half as many to warm up, they
	// take a minute together, or six seconds.
	kinds := []struct {
		files  []samples.Sample
		most   int
		budget time.Duration
		pace   time.Duration
		count  int
	}{
		{files: some(samples.Clean, samples.Eicar, "eicar.zip", "eicarpwd.zip"), most: e.times(36_000, 9000), budget: 18 * time.Second},
		{files: some(samples.Empty, samples.Missing), most: e.times(14_000, 6000), budget: 6 * time.Second},
	}
	count := 0
	for i := range kinds {
		k := &kinds[i]
		if k.pace, err = e.pace(h, k.files...); err != nil {
			return "", err
		}
		k.count = afford(k.most, k.budget/time.Duration(e.times(1, 10)), k.pace)
		count += k.count
	}
	scans := func(part int) error {
		for _, k := range kinds {
			if err := e.scanMany(h, threads, k.count/part, k.pace, k.files...); err != nil {
				return err
			}
		}
		return nil
	}
	begin, err := e.state(h)
	if err != nil {
		return "", err
	}
	// A heap finds its size; an early failure is explained by what grew.
	if err := scans(2); err != nil {
		return "", e.because(h, begin, err)
	}
	saw, err := e.steady(h, leaked(count), fmt.Sprintf("%d scans", count), func() error { return scans(1) })
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

package hostile

import (
	"fmt"
	"strconv"
	"time"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/samples"
)

// scanMany scans the files in turn, count scans in all, and fails unless all of
// them ran and each had the answer of its sample. pace is how long one takes.
func (e *env) scanMany(h *host.Host, threads, count int, pace time.Duration, files ...samples.Sample) error {
	facts, err := h.Call(e.timeFor(count, pace), strconv.Itoa(count)+" scans", "loop", e.loopArgs(threads, count, files)...)
	if err != nil {
		return err
	}
	p := allRight(facts, threads, count, files)
	return p.err()
}

func (e *env) loopArgs(threads, count int, files []samples.Sample) []string {
	args := []string{strconv.Itoa(threads), strconv.Itoa(count)}
	for _, f := range files {
		args = append(args, e.Path(f.Name))
	}
	return args
}

// allRight judges what avserver/loops.c counted.
func allRight(facts host.Facts, threads, count int, files []samples.Sample) (p problems) {
	if n := facts.Int("no-context"); n > 0 {
		p.add("plugin_thread_init failed on %d of %d threads", n, threads)
	}
	if n := facts.Int("threads"); n != threads {
		p.add("only %d of %d threads could be made", n, threads)
	}
	if n := facts.Int("scans"); n != count {
		p.add("only %d of %d scans ran", n, count)
	}
	for i, f := range files {
		of := func(code int) int { return facts.Int(fmt.Sprintf("file.%d.%d", i, code)) }
		for v := host.Failed; v <= host.Error; v++ {
			if n := of(int(v)); n > 0 && v != f.Expect {
				p.add("%d scans of %s answered %s, not %s", n, f.Name, v, f.Expect)
			}
		}
		if n := of(6); n > 0 {
			p.add("%d scans of %s returned what is no result of the interface", n, f.Name)
		}
		if n := of(7); n > 0 {
			p.add("%d scans of %s left vir_info without NUL or wrote outside of it", n, f.Name)
		}
	}
	return p
}

// pace measures a scan of these files one after another: the fastest of three
// times, because the first may open connections and the machine be busy.
func (e *env) pace(h *host.Host, files ...samples.Sample) (time.Duration, error) {
	fastest := time.Duration(0)
	for i := range 3 {
		facts, err := h.Call(e.Limit*time.Duration(len(files)), "a first scan", "loop", e.loopArgs(1, len(files), files)...)
		if err != nil {
			return 0, err
		}
		if took := facts.Duration("ns") / time.Duration(len(files)); i == 0 || took < fastest {
			fastest = took
		}
	}
	return fastest, nil
}

// timeFor is the limit for so many scans. An antivirus that is slow has not
// hung, and one that is fast may have to wait for the machine.
func (e *env) timeFor(count int, pace time.Duration) time.Duration {
	return e.Limit + time.Duration(count)*max(10*time.Millisecond, 3*pace)
}

// afford returns how many scans fit into the time, but not more than most, and
// some in any case.
func afford(most int, budget, pace time.Duration) int {
	const least = 32
	return min(most, max(least, int(budget/max(pace, 1))))
}

// some returns the samples with these names.
func some(names ...string) (picked []samples.Sample) {
	for _, name := range names {
		for _, s := range samples.All() {
			if s.Name == name {
				picked = append(picked, s)
			}
		}
	}
	return picked
}

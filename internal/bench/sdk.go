package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/run"
)

// library is a plugin whose cost for the host is measured.
type library struct {
	name string
	path string
	env  []string // of the host
	set  []string // options, as the harness takes them
}

// callCost is what the harness tells of scan calls; times are in nanoseconds.
type callCost struct {
	Mean      float64 `json:"meanNs"`
	P50       float64 `json:"p50Ns"`
	P99       float64 `json:"p99Ns"`
	CPU       float64 `json:"cpuNs"`
	PerSecond float64 `json:"scansPerSecond"`
}

// footprint is what the harness tells of the host's process.
type footprint struct {
	Rows []struct {
		VA      int `json:"vaKiB"`
		RSS     int `json:"rssKiB"`
		Threads int `json:"threads"`
	} `json:"rows"`
	Wakeups float64 `json:"wakeupsPerSecond"`
}

// sdk measures what the SDK itself costs on each platform: the time of a scan
// call that scans nothing, beside a plugin in C, and what the plugins cost the
// host's process.
func (b *bench) sdk(ctx context.Context) ([]table, error) {
	calls := table{title: "A scan call that scans nothing",
		head: []string{"plugin", "platform", "mean ns", "p50 ns", "p99 ns", "CPU ns"}}
	costs := table{title: fmt.Sprintf("What a plugin costs the host's process, before and after %d scans", b.sdkScans()),
		head: []string{"host with", "platform", "address space MB", "memory MB before", "after", "threads", "wake-ups a second when idle"}}
	data, count := filepath.Join(b.dir, "data"), strconv.Itoa(b.sdkScans())
	if _, err := (run.Command{Name: b.dist(platform.Native(), "harness"), Args: []string{"run", "generate", "--data", data}}).Run(ctx); err != nil {
		return nil, err
	}
	err := build.Extra(ctx, build.Options{Root: b.Root, Toolchain: os.Getenv("AVIR_TOOLCHAIN"), Dist: b.dir, Platforms: b.platforms},
		build.Plugin{Name: "avir_test", Dir: "api/abi/testdata/plugin"}, build.Plugin{Name: "avir_noop", Dir: "internal/bench/noop"})
	if err != nil {
		return nil, err
	}
	for _, p := range b.platforms {
		dir := filepath.Join(b.dir, p.Name)
		inC := library{name: "plugin in C", path: filepath.Join(dir, "avir_noop.so")}
		inGo := library{name: "SDK, on a goroutine", path: filepath.Join(dir, "avir_test.so")}
		inline := library{name: "SDK, Inline", path: inGo.path, env: []string{"AVIR_TEST_INLINE=1"}}
		for _, l := range []library{inC, inline, inGo} {
			var c callCost
			if err := b.harness(ctx, l, &c, "bench", "--file", "noop", "--threads", "1", "--count", count); err != nil {
				return nil, err
			}
			calls.add(l.name, p.Name, decimal(c.Mean, 0), decimal(c.P50, 0), decimal(c.P99, 0), decimal(c.CPU, 0))
		}
		for _, l := range []library{inC,
			{name: "avir_sample", path: b.dist(p, "avir_sample.so")},
			{name: "avir_clam", path: b.dist(p, "avir_clam.so"), set: []string{"Port=" + strconv.Itoa(b.clamd.Port)}},
		} {
			var f footprint
			if err := b.harness(ctx, l, &f, "footprint", "--count", count, "--data", data); err != nil {
				return nil, err
			}
			if len(f.Rows) != 6 {
				return nil, fmt.Errorf("the harness tells of %d points of time, not of 6: does internal/bench fit it?", len(f.Rows))
			}
			before, after := f.Rows[2], f.Rows[5]
			costs.add(l.name, p.Name, megabytes(after.VA), megabytes(before.RSS), megabytes(after.RSS), strconv.Itoa(after.Threads), decimal(f.Wakeups, 1))
		}
		run.Printf("%s: the SDK's own cost is measured", p)
	}
	return []table{calls, costs}, nil
}

func megabytes(kib int) string { return decimal(float64(kib)/1024, 1) }

// sdkScans is how many scans a figure is made of.
func (o Options) sdkScans() int {
	if o.Quick {
		return 10_000
	}
	return 100_000
}

// harness runs a command of the harness on l and decodes its JSON.
func (b *bench) harness(ctx context.Context, l library, into any, command string, args ...string) error {
	args = append([]string{command, "--plugin", l.path, "--json", "-"}, args...)
	for _, s := range l.set {
		args = append(args, "--set", s)
	}
	out, err := run.Command{Name: b.dist(platform.Native(), "harness"), Args: args, Env: l.env, Hint: "go tool mage build"}.Run(ctx)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		return fmt.Errorf("read what the harness tells of %s: %w", l.name, err)
	}
	return nil
}

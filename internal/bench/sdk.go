package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/avirkit/avirkit/internal/build"
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
	Mean float64 `json:"meanNs"`
	P50  int     `json:"p50Ns"`
	P99  int     `json:"p99Ns"`
	CPU  float64 `json:"cpuNs"`
}

// footprintRow is what the harness tells of the host's process at one point.
type footprintRow struct {
	When    string `json:"when"`
	VA      int    `json:"vaKiB"`
	RSS     int    `json:"rssKiB"`
	Threads int    `json:"threads"`
}

// SDK measures what the SDK itself costs: the time of a scan call that scans
// nothing, beside a plugin in C, and the footprint of the plugins in the host.
// It starts its own clamd.
func SDK(ctx context.Context, o Options) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	err = build.Extra(ctx, build.Options{Root: o.Root, Toolchain: os.Getenv("AVIR_TOOLCHAIN"), Dist: dir},
		[]build.Plugin{{Name: "avir_test", Dir: "api/abi/testdata/plugin"}},
		"internal/bench/noop/noop.c", "testdata/cplugin/cplugin.c")
	if err != nil {
		return err
	}
	if err := o.calls(ctx, dir); err != nil {
		return err
	}
	return o.footprints(ctx, dir)
}

// calls prints the cost of a scan call for scanners that return at once.
func (o Options) calls(ctx context.Context, dir string) error {
	inTest := filepath.Join(dir, "avir_test.so")
	fmt.Fprintf(o.Out, "\n%-34s %9s %9s %9s %9s\n", "a scan call that scans nothing", "mean ns", "p50 ns", "p99 ns", "cpu ns")
	for _, l := range []library{
		{name: "plugin in C", path: filepath.Join(dir, "avir_noop.so")},
		{name: "SDK, Inline", path: inTest, env: []string{"AVIR_TEST_INLINE=1"}},
		{name: "SDK, on a goroutine", path: inTest},
	} {
		var c callCost
		err := o.harness(ctx, l, &c, "bench", "--file", "noop", "--threads", "1", "--count", strconv.Itoa(o.scans()), "--data", dir)
		if err != nil {
			return err
		}
		fmt.Fprintf(o.Out, "  %-32s %9.0f %9d %9d %9.0f\n", l.name, c.Mean, c.P50, c.P99, c.CPU)
	}
	return nil
}

// footprints prints memory and threads of the host.
func (o Options) footprints(ctx context.Context, dir string) error {
	b := &bench{Options: o, dir: dir}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	defer func() { _ = b.clamd.Stop() }()
	data := filepath.Join(dir, "data")
	harness := run.Command{Name: o.program(), Args: []string{"run", "generate", "--data", data}}
	if _, err := harness.Run(ctx); err != nil {
		return err
	}
	dist := filepath.Join(o.Root, "dist", build.Dir386)
	for _, l := range []library{
		{name: "plugin in C", path: filepath.Join(dir, "avir_cplugin.so")},
		{name: "avir_sample", path: filepath.Join(dist, "avir_sample.so")},
		{name: "avir_clam", path: filepath.Join(dist, "avir_clam.so"), set: []string{"Port=" + strconv.Itoa(b.clamd.Port)}},
	} {
		var footprint struct {
			Rows []footprintRow `json:"rows"`
		}
		if err := o.harness(ctx, l, &footprint, "footprint", "--count", strconv.Itoa(o.scans()), "--data", data); err != nil {
			return err
		}
		fmt.Fprintf(o.Out, "\n%-34s %9s %9s %9s\n", "host with "+l.name, "VA KiB", "RSS KiB", "threads")
		for _, r := range footprint.Rows {
			fmt.Fprintf(o.Out, "  %-32s %9d %9d %9d\n", r.When, r.VA, r.RSS, r.Threads)
		}
	}
	return nil
}

// scans is how many scans a figure is made of.
func (o Options) scans() int {
	if o.Quick {
		return 10_000
	}
	return 100_000
}

func (o Options) program() string {
	return filepath.Join(o.Root, "dist", build.DirAMD64, "harness")
}

// harness runs a command of the harness on l and decodes its JSON.
func (o Options) harness(ctx context.Context, l library, into any, args ...string) error {
	args = append(args, "--plugin", l.path, "--json", "-")
	for _, s := range l.set {
		args = append(args, "--set", s)
	}
	out, err := run.Command{Name: o.program(), Args: args, Env: l.env}.Run(ctx)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		return fmt.Errorf("read what the harness tells of %s: %w", l.name, err)
	}
	return nil
}

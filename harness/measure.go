package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/report"
	"github.com/avirkit/avirkit/harness/samples"
)

// footprintRow is the size of the host process at one point.
type footprintRow struct {
	When    string `json:"when"`
	VaKiB   int    `json:"vaKiB"`
	RssKiB  int    `json:"rssKiB"`
	Threads int    `json:"threads"`
}

// footprintReport is what the plugin costs the host. Wakeups counts how often
// a second the host's threads run while nothing is scanned and two contexts
// are open.
type footprintReport struct {
	Rows    []footprintRow `json:"rows"`
	Wakeups float64        `json:"wakeupsPerSecond"`
}

// footprint prints what the plugin costs the host: before it, after the load,
// after init, with one and two contexts, after many scans, and while idle.
func (o *options) footprint(ctx context.Context, stdout io.Writer) error {
	if err := o.run.NeedSamples(); err != nil {
		return err
	}
	h, err := o.run.Open(ctx)
	if err != nil {
		return err
	}
	defer h.Close()
	var rows []footprintRow
	look := func(when string) {
		if err != nil {
			return
		}
		var f host.Facts
		if f, err = h.Call(o.run.Limit, "looking at the process", "state"); err == nil {
			rows = append(rows, footprintRow{when, f.Int("VmSize"), f.Int("VmRSS"), f.Int("Threads")})
		}
	}
	call := func(limit time.Duration, during, verb string, args ...string) {
		if err == nil {
			_, err = h.Call(limit, during, verb, args...)
		}
	}
	look("host alone")
	call(o.run.Limit, "loading", "load", o.run.Plugin)
	look("loaded")
	if err == nil {
		if _, err = o.run.Set(h); err == nil {
			_, err = o.run.Init(h)
		}
	}
	look("initialised")
	// One thread holds both contexts, so that only they are counted.
	for _, context := range []string{"context1", "context2"} {
		call(o.run.Limit, "plugin_thread_init", "call", "plugin_thread_init", "&"+context)
		path := o.run.Path(samples.Eicar)
		call(o.run.Limit, "a scan", "call", "plugin_thread_test_file", context, "="+path, "="+path, "null", "#0", "[256", "#256")
		look("with " + context)
	}
	limit := o.run.Limit + time.Duration(o.count)*10*time.Millisecond
	call(limit, "scans", "loop", strconv.Itoa(o.run.Threads), strconv.Itoa(o.count), o.run.Path(samples.Empty))
	look(fmt.Sprintf("after %d scans on %d threads", o.count, o.run.Threads))
	if err != nil {
		return err
	}
	wakeups, err := o.wakeups(ctx, h)
	if err != nil {
		return err
	}
	return o.print(stdout, footprintReport{rows, wakeups}, func() {
		columns := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(columns, "VA KiB\tRSS KiB\tthreads\t ")
		for _, r := range rows {
			fmt.Fprintf(columns, "%d\t%d\t%d\t %s\n", r.VaKiB, r.RssKiB, r.Threads, r.When)
		}
		columns.Flush()
		fmt.Fprintf(stdout, "%.1f wake-ups a second while idle\n", wakeups)
	})
}

// wakeups counts how often a second the threads of h run while it is idle.
func (o *options) wakeups(ctx context.Context, h *host.Host) (float64, error) {
	pause := func(d time.Duration) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
			return nil
		}
	}
	if err := pause(time.Second); err != nil { // what the scans set going has ended
		return 0, err
	}
	before, err := h.Switches()
	if err != nil {
		return 0, err
	}
	if err := pause(o.idle); err != nil {
		return 0, err
	}
	after, err := h.Switches()
	return float64(after-before) / o.idle.Seconds(), err
}

// benchRow is what scan calls cost, measured inside the host process.
type benchRow struct {
	File       string  `json:"file"`
	Threads    int     `json:"threads"`
	Scans      int     `json:"scans"`
	Mean       float64 `json:"meanNs"` // of one call, on one thread
	P50        int     `json:"p50Ns"`
	P99        int     `json:"p99Ns"`
	Max        int     `json:"maxNs"`
	CPU        float64 `json:"cpuNs"` // of the host process for one call
	PerSecond  float64 `json:"scansPerSecond"`
	FirstCalls int     `json:"warmUp"`

	// Verdicts counts the answers by name, for the file need not exist: a
	// benchmark of FAILED measures something else than one of OK.
	Verdicts map[string]int `json:"verdicts"`
}

func (o *options) bench(ctx context.Context, stdout io.Writer) error {
	h, err := o.run.Ready(ctx)
	if err != nil {
		return err
	}
	defer h.Close()
	warmUp := max(o.run.Threads, min(1000, o.count/10))
	loop := func(count int) (host.Facts, error) {
		limit := o.run.Limit + time.Duration(count)*100*time.Millisecond
		args := []string{strconv.Itoa(o.run.Threads), strconv.Itoa(count)}
		verb := "loop"
		if ms := o.pause.Milliseconds(); ms > 0 {
			verb, args = "pace", append(args, strconv.FormatInt(ms, 10))
			limit += time.Duration(count) * o.pause
		}
		return h.Call(limit, "the benchmark", verb, append(args, o.file)...)
	}
	if _, err := loop(warmUp); err != nil {
		return err
	}
	f, err := loop(o.count)
	if err != nil {
		return err
	}
	if f.Int("scans") != o.count || f.Int("no-context") > 0 {
		return fmt.Errorf("only %d of %d scans ran", f.Int("scans"), o.count)
	}
	total := f.Duration("ns")
	threads := f.Int("threads") // perhaps fewer than were asked for
	row := benchRow{
		File: o.file, Threads: threads, Scans: o.count, FirstCalls: warmUp,
		Mean: float64(total) * float64(threads) / float64(o.count),
		P50:  f.Int("p50-ns"), P99: f.Int("p99-ns"), Max: f.Int("max-ns"),
		CPU:       float64(f.Duration("cpu-ns")) / float64(o.count),
		PerSecond: float64(o.count) / total.Seconds(),
		Verdicts:  verdicts(f),
	}
	return o.print(stdout, row, func() {
		fmt.Fprintf(stdout, "%s: %d scans on %d threads: mean %.0f ns, p50 %d ns, p99 %d ns, max %d ns, cpu %.0f ns, %.0f/s; %s\n",
			row.File, row.Scans, row.Threads, row.Mean, row.P50, row.P99, row.Max, row.CPU, row.PerSecond, counted(row.Verdicts))
	})
}

// verdicts reads the counts of avserver/loops.c for the first file.
func verdicts(f host.Facts) map[string]int {
	counts := map[string]int{}
	for v := host.Failed; v <= host.Error; v++ {
		counts[v.String()] = f.Int(fmt.Sprintf("file.0.%d", v))
	}
	counts["unknown result"] = f.Int("file.0.6")
	counts["broken answer"] = f.Int("file.0.7")
	maps.DeleteFunc(counts, func(_ string, n int) bool { return n == 0 })
	return counts
}

func counted(verdicts map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(verdicts)) {
		parts = append(parts, fmt.Sprintf("%d %s", verdicts[name], name))
	}
	return strings.Join(parts, ", ")
}

// print writes JSON to --json ("-" is standard output), or else a text.
func (o *options) print(stdout io.Writer, value any, text func()) error {
	if o.json == "" {
		text()
		return nil
	}
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	if o.json == "-" {
		_, err = fmt.Fprintf(stdout, "%s\n", data)
		return err
	}
	text()
	return report.WriteFile(o.json, append(data, '\n'))
}

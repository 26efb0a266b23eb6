// Package bench measures avir_clam beside other clients of one real clamd and
// beside the limit: a C program that sends the same scans and does nothing
// else.
//
// All peers of a row take turns within each round, so that what else the
// machine does meets all of them; a row's figures are medians over the rounds,
// and its ratio is the median of the rounds' ratios.
package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/avirkit/avirkit/plugins/clam/realclamd"
	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

// Options say what to measure and where everything is.
type Options struct {
	Root   string // the repository, in which dist/ holds the built plugin and harness
	Quick  bool   // about a minute instead of eight to ten
	Out    io.Writer
	Report func(format string, args ...any) // progress, a line each
}

// file is a kind of file to scan.
type file struct {
	Name string
	size int
}

var files = []file{{"68 B", 68}, {"100 KB", 100 << 10}, {"1 MB", 1 << 20}, {"15 MB", 15_000_000}, {"100 MB", 100 << 20}}

var threadCounts = []int{1, 4, 8}

// Result is one peer's row.
type Result struct {
	File      string
	Threads   int
	Transport string // TCP or unix
	Peer      string
	Scans     int           // in each round
	PerSecond float64       // scans
	P50, P99  time.Duration // of one scan; 0 if the peer doesn't tell
	CPU       time.Duration // of the client's process, for one scan
	Alloc     float64       // bytes allocated for one scan; negative if the peer doesn't tell
	OfLimit   float64       // scans a second, beside those of the limit
}

// Run measures and writes dist/bench/bench.csv and bench.svg. The table goes
// to Out.
func Run(ctx context.Context, o Options) ([]Result, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	b := &bench{Options: o, dir: dir}
	if err := b.prepare(ctx); err != nil {
		return nil, err
	}
	defer func() { _ = b.clamd.Stop() }()
	results, err := b.measureAll(ctx)
	if err != nil {
		return nil, err
	}
	if err := writeTable(o.Out, results); err != nil {
		return nil, err
	}
	return results, b.write(results)
}

// bench is a run under way.
type bench struct {
	Options
	dir   string // temporary
	clamd *realclamd.Clamd
	limit string // path of the C program
	peers []peer
}

// prepare compiles the limit, writes the files and starts clamd.
func (b *bench) prepare(ctx context.Context) error {
	b.limit = filepath.Join(b.dir, "limit")
	if err := compileLimit(ctx, b.Root, b.limit); err != nil {
		return err
	}
	for _, f := range b.files() {
		if err := os.WriteFile(b.path(f), content(f.size), 0o644); err != nil {
			return fmt.Errorf("write a file to scan: %w", err)
		}
	}
	// Above the 100 MB that are sent; every client gets the same clamd.
	const room = "200M"
	clamd, err := realclamd.New(b.dir, map[string]string{
		"StreamMaxLength": room, "MaxFileSize": room, "MaxScanSize": "400M", "MaxQueue": "200", "LogTime": "no",
	})
	if err != nil {
		return err
	}
	b.clamd = clamd
	b.peers = b.allPeers()
	return nil
}

func (b *bench) files() []file {
	if b.Quick {
		return files[:3]
	}
	return files
}

func (b *bench) threads() []int {
	if b.Quick {
		return []int{1, 8}
	}
	return threadCounts
}

func (b *bench) path(f file) string { return filepath.Join(b.dir, strconv.Itoa(f.size)) }

// content is EICAR for its size and noise otherwise, which no client and no
// file system can make smaller.
func content(size int) []byte {
	if size == len(testvirus.EICAR()) {
		return testvirus.EICAR()
	}
	p := make([]byte, size)
	state := uint64(88172645463325252) // xorshift; the same bytes each time
	for i := range p {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		p[i] = byte(state)
	}
	return p
}

// Times of a run: what the limit needs for a round of one row, and how many
// rounds there are.
const (
	roundTime  = 500 * time.Millisecond
	rounds     = 5
	bigRounds  = 1 // from 15 MB on, where one scan takes long enough
	bigFile    = 15_000_000
	mostScans  = 5000
	calibrated = 8 // scans for each thread that tell how many a round needs
)

func (b *bench) measureAll(ctx context.Context) ([]Result, error) {
	var results []Result
	for _, f := range b.files() {
		for _, threads := range b.threads() {
			for _, transport := range []string{"TCP", "unix"} {
				begin := time.Now()
				row, err := b.measureRow(ctx, f, threads, transport)
				if err != nil {
					return nil, fmt.Errorf("%s, %d threads, %s: %w", f.Name, threads, transport, err)
				}
				results = append(results, row...)
				b.Report("%s, %d threads, %s: %d scans by each of %d clients in %v", f.Name, threads, transport,
					row[0].Scans, len(row), time.Since(begin).Round(time.Second/10))
			}
		}
	}
	return results, nil
}

// measureRow lets all peers of a transport scan one file. The first peer is
// the limit.
func (b *bench) measureRow(ctx context.Context, f file, threads int, transport string) ([]Result, error) {
	var peers []peer
	for _, p := range b.peers {
		if p.transport == transport {
			peers = append(peers, p)
		}
	}
	l := load{path: b.path(f), threads: threads, count: threads * calibrated, dir: b.dir}
	n := rounds
	if f.size >= bigFile {
		l.count, n = max(2, threads), bigRounds
	}
	// Also for clamd, whose first scans with so many threads are slower.
	trial, err := peers[0].run(ctx, l)
	if err != nil {
		return nil, err
	}
	if f.size < bigFile {
		rate := float64(l.count) / trial.total.Seconds()
		l.count = max(l.count, min(mostScans, int(rate*roundTime.Seconds())))
	}
	if b.Quick {
		n = 1
	}
	samples := make([][]sample, len(peers))
	for range n {
		for i, p := range peers {
			s, err := p.run(ctx, l)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.name, err)
			}
			samples[i] = append(samples[i], s)
		}
	}
	row := make([]Result, len(peers))
	for i, p := range peers {
		row[i] = summarise(samples[i], samples[0], l.count)
		row[i].File, row[i].Threads, row[i].Transport, row[i].Peer = f.Name, threads, transport, p.name
	}
	return row, nil
}

// summarise takes medians over the rounds.
func summarise(rounds, limits []sample, count int) Result {
	middle := func(value func(i int) float64) float64 {
		values := make([]float64, len(rounds))
		for i := range rounds {
			values[i] = value(i)
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	return Result{
		Scans:     count,
		PerSecond: middle(func(i int) float64 { return float64(count) / rounds[i].total.Seconds() }),
		P50:       time.Duration(middle(func(i int) float64 { return float64(rounds[i].p50) })),
		P99:       time.Duration(middle(func(i int) float64 { return float64(rounds[i].p99) })),
		CPU:       time.Duration(middle(func(i int) float64 { return float64(rounds[i].cpu) / float64(count) })),
		Alloc:     middle(func(i int) float64 { return rounds[i].alloc }),
		OfLimit:   middle(func(i int) float64 { return limits[i].total.Seconds() / rounds[i].total.Seconds() }),
	}
}

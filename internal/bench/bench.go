// Package bench measures avir_clam, for each target platform, beside other
// clients of one real clamd, and what the SDK costs a host.
//
// What the clients are compared with is the baseline client: a program in C
// that sends the same scans and does nothing else. Each client's run is paired
// with a run of the baseline client right before or after it, so that what
// else the machine does meets both. A row's ratio is the median of its pairs'
// ratios, and its spread tells how far apart the pairs are.
//
// Rows of bursts let the clients scan as fast as they can. Paced rows have a
// pause after each scan, as mail comes.
package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/plugins/clam/realclamd"
)

// Options say what to measure and where everything is.
type Options struct {
	Root  string // the repository, in which dist/ holds the built plugins and harness
	Quick bool   // about two minutes instead of a quarter of an hour, with fewer rows and rounds
}

// Run measures everything and prints the tables of the documents. A full run
// writes internal/bench/results, which is kept in git; a quick one, whose
// figures are too rough for that, writes dist/bench.
func Run(ctx context.Context, o Options) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{Options: o, dir: dir}
	for _, p := range platform.All {
		if _, err := os.Stat(b.dist(p, "avir_clam.so")); err != nil {
			run.Printf("%s is not measured: %v", p, err)
			continue
		}
		b.platforms = append(b.platforms, p)
	}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	defer func() { _ = b.clamd.Stop() }()
	costs, err := b.sdk(ctx)
	if err != nil {
		return err
	}
	results, err := b.measureAll(ctx)
	if err != nil {
		return err
	}
	bursts := b.rowsTable("Bursts: scans a second as a share of the C program's, ± half the distance of the quartiles; "+
		"processor time as a multiple of the C program's", results, false)
	paced := b.rowsTable(fmt.Sprintf("One scan each %v for each thread, as mail comes: the median scan's time and the processor time "+
		"as multiples of the C program's; lines of clamd's log for the C program and for each platform's plugin", pause), results, true)
	return b.publish(results, append([]table{bursts, paced}, costs...))
}

// bench is a run under way.
type bench struct {
	Options
	platforms []*platform.Platform // those that are built
	dir       string               // temporary
	clamd     *realclamd.Clamd
	clamdLog  string // path of clamd's log file
	baseline  string // path of the baseline client
}

// prepare compiles the baseline client, writes the files and starts clamd.
func (b *bench) prepare(ctx context.Context) error {
	b.baseline = filepath.Join(b.dir, "baseline")
	if _, err := (run.Command{Name: "gcc", Args: []string{"-O2", "-pthread", "-o", b.baseline,
		filepath.Join(b.Root, "internal/bench/baseline/baseline.c")}}).Run(ctx); err != nil {
		return err
	}
	for _, f := range allFiles {
		if err := os.WriteFile(b.path(f), f.content(), 0o644); err != nil {
			return fmt.Errorf("write a file to scan: %w", err)
		}
	}
	b.clamdLog = filepath.Join(b.dir, "clamd.log")
	// Above the 100 MB that are sent; every client gets the same clamd.
	const most = "200M"
	clamd, err := realclamd.New(b.dir, map[string]string{
		"StreamMaxLength": most, "MaxFileSize": most, "MaxScanSize": "400M", "MaxQueue": "200",
		"LogFile": b.clamdLog, "LogFileMaxSize": "0",
	})
	b.clamd = clamd
	return err
}

func (b *bench) path(f file) string { return filepath.Join(b.dir, strconv.Itoa(f.size)) }

// publish writes all figures as CSV and the tables as Markdown, and prints the
// tables.
func (b *bench) publish(results []result, tables []table) error {
	folder := "internal/bench/results"
	if b.Quick {
		folder = "dist/bench"
	}
	figures, err := csvText(results)
	if err != nil {
		return err
	}
	markdown := ""
	for _, t := range tables {
		markdown += t.String() + "\n"
	}
	for name, text := range map[string]string{"bench.csv": figures, "tables.md": markdown} {
		if err := atomicdir.WriteFile(filepath.Join(b.Root, folder, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	run.Printf("wrote bench.csv, which has all figures, and tables.md to %s", folder)
	_, err = fmt.Printf("\n%s", markdown)
	return err
}

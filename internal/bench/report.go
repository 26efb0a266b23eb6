package bench

import (
	"encoding/csv"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/avirkit/avirkit/internal/atomicdir"
)

// write puts the results into dist/bench.
func (b *bench) write(results []Result) error {
	dir := filepath.Join(b.Root, "dist", "bench")
	var table strings.Builder
	if err := writeCSV(&table, results); err != nil {
		return err
	}
	for name, text := range map[string]string{"bench.csv": table.String(), "bench.svg": plot(results)} {
		if err := atomicdir.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
		b.Report("wrote %s", filepath.Join("dist", "bench", name))
	}
	return nil
}

func writeCSV(w io.Writer, results []Result) error {
	c := csv.NewWriter(w)
	_ = c.Write([]string{"file", "threads", "transport", "client", "scans", "scans/s", "of limit", "p50 us", "p99 us", "cpu us/scan", "alloc B/scan"})
	for _, r := range results {
		_ = c.Write(append([]string{r.File, strconv.Itoa(r.Threads), r.Transport, r.Peer, strconv.Itoa(r.Scans)}, r.figures()...))
	}
	c.Flush()
	return c.Error()
}

// figures are the measured columns; what a peer doesn't tell is empty.
func (r Result) figures() []string {
	micros := func(d time.Duration) string {
		if d <= 0 {
			return ""
		}
		return fmt.Sprintf("%.0f", float64(d)/1e3)
	}
	alloc := ""
	if r.Alloc >= 0 {
		alloc = fmt.Sprintf("%.0f", r.Alloc)
	}
	return []string{fmt.Sprintf("%.1f", r.PerSecond), fmt.Sprintf("%.2f", r.OfLimit), micros(r.P50), micros(r.P99), micros(r.CPU), alloc}
}

func threadsText(n int) string {
	if n == 1 {
		return "1 thread"
	}
	return fmt.Sprintf("%d threads", n)
}

// writeTable prints one block for each file, transport and number of threads.
func writeTable(w io.Writer, results []Result) error {
	block := ""
	for _, r := range results {
		if head := r.File + ", " + threadsText(r.Threads) + ", " + r.Transport; head != block {
			block = head
			if _, err := fmt.Fprintf(w, "\n%-26s %10s %9s %9s %9s %9s %9s\n", head, "scans/s", "of limit", "p50 us", "p99 us", "cpu us", "alloc B"); err != nil {
				return err
			}
		}
		f := r.figures()
		if _, err := fmt.Fprintf(w, "  %-24s %10s %9s %9s %9s %9s %9s\n", r.Peer, f[0], f[1], f[2], f[3], f[4], f[5]); err != nil {
			return err
		}
	}
	return nil
}

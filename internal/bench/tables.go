package bench

import (
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// table is one table of the documents.
type table struct {
	title string
	head  []string
	rows  [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// String is the table in Markdown, aligned for a terminal.
func (t table) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:\n\n", t.title)
	w := tabwriter.NewWriter(&b, 0, 0, 1, ' ', 0)
	line := func(cells []string) { fmt.Fprintf(w, "| %s\t|\n", strings.Join(cells, "\t| ")) }
	line(t.head)
	line(strings.Split(strings.Repeat("--- ", len(t.head)-1)+"---", " "))
	for _, r := range t.rows {
		line(r)
	}
	_ = w.Flush() // a strings.Builder takes everything
	return b.String()
}

// rowsTable has a row for each row with or without pauses, and compares the
// clients with the baseline client.
func (b *bench) rowsTable(title string, results []result, paced bool) table {
	t := table{title: title, head: []string{"file, transport, threads", "C: scans/s", "C: ms"}}
	for _, p := range b.platforms {
		t.head = append(t.head, p.Name, "its CPU")
	}
	if paced {
		t.head = append(t.head, "scans", "log lines")
	} else {
		t.head = append(t.head, baruwaName, clamdscanName)
	}
	for i, r := range results {
		if r.pause > 0 != paced || r.client != baselineName {
			continue
		}
		cells := []string{fmt.Sprintf("%s, %s, %d", r.file.Name, r.transport, r.threads),
			decimal(r.PerSecond, 1), decimal(float64(r.P50)/1e6, 2)}
		lines := []string{strconv.Itoa(r.LogLines)}
		for _, other := range results[i+1:] {
			if other.row != r.row {
				break
			}
			cells = append(cells, fmt.Sprintf("%.2f ±%.2f", other.Ratio, other.Spread))
			if strings.HasPrefix(other.client, "avir_clam") {
				cells = append(cells, decimal(other.CPURatio, 1))
				lines = append(lines, strconv.Itoa(other.LogLines))
			}
		}
		if paced {
			cells = append(cells, strconv.Itoa(r.Scans), strings.Join(lines, " / "))
		}
		t.add(cells...)
	}
	return t
}

// csvText has all figures; what a client doesn't tell is empty.
func csvText(results []result) (string, error) {
	micros := func(d time.Duration) string {
		if d <= 0 {
			return ""
		}
		return decimal(float64(d)/1e3, 0)
	}
	var b strings.Builder
	c := csv.NewWriter(&b)
	_ = c.Write([]string{"file", "threads", "transport", "pause", "client", "scans", "scans/s", "p50 us", "p99 us", "cpu us/scan",
		"clamd log lines", "ratio", "spread", "cpu ratio"})
	for _, r := range results {
		_ = c.Write([]string{r.file.Name, strconv.Itoa(r.threads), r.transport, r.pause.String(), r.client, strconv.Itoa(r.Scans),
			decimal(r.PerSecond, 1), micros(r.P50), micros(r.P99), micros(r.CPU), strconv.Itoa(r.LogLines),
			decimal(r.Ratio, 3), decimal(r.Spread, 3), decimal(r.CPURatio, 2)})
	}
	c.Flush()
	return b.String(), c.Error()
}

func decimal(v float64, digits int) string { return strconv.FormatFloat(v, 'f', digits, 64) }

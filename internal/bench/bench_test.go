package bench

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

func TestARatioIsTheMedianOfItsPairs(t *testing.T) {
	pairs := []pair{
		{other: sample{total: 2 * time.Second, cpu: 4}, baseline: sample{total: time.Second, cpu: 1}},
		{other: sample{total: 2 * time.Second, cpu: 4}, baseline: sample{total: 2 * time.Second, cpu: 2}},
		{other: sample{total: 5 * time.Second, cpu: 4}, baseline: sample{total: 4 * time.Second, cpu: 4}},
	}
	r := summarise(pairs, 100, false)
	assert.InDelta(t, 0.8, r.Ratio, 1e-9, "of 0.5, 1 and 0.8, and not of the medians, which are equal")
	assert.InDelta(t, 0.125, r.Spread, 1e-9, "the quartiles are 0.65 and 0.9")
	assert.InDelta(t, 50, r.PerSecond, 1e-9)
	assert.InDelta(t, 2, r.CPURatio, 1e-9)
}

func TestAPacedRowComparesTheTimeOfAScanAndNotThePauses(t *testing.T) {
	r := summarise([]pair{{
		other:    sample{total: time.Second, p50: 300 * time.Microsecond},
		baseline: sample{total: time.Second, p50: 200 * time.Microsecond},
	}}, 50, true)
	assert.InDelta(t, 1.5, r.Ratio, 1e-9)
	assert.Zero(t, r.Spread)
}

func TestQuantiles(t *testing.T) {
	for q, want := range map[float64]float64{0: 1, 0.25: 1.75, 0.5: 2.5, 1: 4} {
		assert.InDelta(t, want, quantile([]float64{4, 1, 3, 2}, q), 1e-9, "%v", q)
	}
	assert.InDelta(t, 7, quantile([]float64{7}, 0.75), 1e-9)
}

// measured are results as a run makes them.
func measured() []result {
	var results []result
	for _, pause := range []time.Duration{0, pause} {
		r := row{burstFiles[0], 1, tcp, pause}
		results = append(results, result{row: r, client: baselineName, Scans: 10, PerSecond: 1000, P50: time.Millisecond, LogLines: 10, Ratio: 1})
		for _, p := range platform.All {
			results = append(results, result{row: r, client: pluginName(p), Ratio: 0.9, Spread: 0.02, CPURatio: 3, LogLines: 14})
		}
	}
	return results
}

func TestWhatAClientDoesNotTellIsEmpty(t *testing.T) {
	text, err := csvText(measured())
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(text), "\n")
	require.Len(t, lines, 1+2*(1+len(platform.All)))
	assert.Equal(t, "68 B,1,TCP,0s,baseline (C),10,1000.0,1000,,,10,1.000,0.000,0.00", lines[1])
	assert.Equal(t, "68 B,1,TCP,0s,avir_clam linux-386,0,0.0,,,,14,0.900,0.020,3.00", lines[2])
}

func TestATableHasARowForEachRowOfItsKind(t *testing.T) {
	b := &bench{platforms: platform.All}
	for paced, last := range map[bool]string{false: "0.90 ±0.02", true: "10 / 14 / 14"} {
		table := b.rowsTable("Title", measured(), paced)
		require.Len(t, table.rows, 1)
		assert.Equal(t, "68 B, TCP, 1", table.rows[0][0])
		assert.Contains(t, table.rows[0], last)
		lines := strings.Split(strings.TrimSpace(table.String()), "\n")
		require.Len(t, lines, 5, "title, blank, head, rule, row")
		assert.Equal(t, strings.Count(lines[2], "|"), strings.Count(lines[3], "|"))
	}
}

func TestTheFilesAreTheSameEachTimeAndDoNotCompress(t *testing.T) {
	noise := file{"", 1000}
	assert.Equal(t, noise.content(), noise.content())
	assert.NotEqual(t, noise.content()[:500], noise.content()[500:])
	assert.Equal(t, testvirus.EICAR(), burstFiles[0].content())
}

func TestAQuickRunHasRowsOfBothKinds(t *testing.T) {
	full, quick := Options{}.rows(), Options{Quick: true}.rows()
	assert.Less(t, 2*len(quick), len(full)+5)
	for _, rows := range [][]row{full, quick} {
		pauses := map[time.Duration]bool{}
		for _, r := range rows {
			pauses[r.pause] = true
		}
		assert.Equal(t, map[time.Duration]bool{0: true, pause: true}, pauses)
	}
}

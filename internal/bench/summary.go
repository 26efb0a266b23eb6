package bench

import (
	"slices"
	"time"
)

// sample is what one client needed for a load.
type sample struct {
	total    time.Duration
	p50, p99 time.Duration // of one scan; 0 if the client doesn't tell
	cpu      time.Duration // of the client's process, for all scans
	logLines int           // that clamd's log got meanwhile
}

// pair is a client's run and the baseline client's run beside it.
type pair struct{ other, baseline sample }

// result is one client's figures in a row: medians over its pairs.
type result struct {
	row
	client    string
	Scans     int           // in each run
	PerSecond float64       // scans
	P50, P99  time.Duration // of one scan; 0 if the client doesn't tell
	CPU       time.Duration // of the client's process, for one scan
	LogLines  int           // of clamd's log, for a whole run with its start

	// Ratio compares with the baseline client: scans a second in a burst,
	// where more is better, and the time of the median scan in a paced row,
	// where less is better. Half of the pairs are within Ratio ± Spread.
	Ratio, Spread float64
	CPURatio      float64 // processor time beside the baseline client's
}

// summarise takes medians over the pairs.
func summarise(pairs []pair, count int, paced bool) result {
	over := func(value func(p pair) float64) (values []float64) {
		for _, p := range pairs {
			values = append(values, value(p))
		}
		return values
	}
	duration := func(value func(s sample) time.Duration) time.Duration {
		return time.Duration(quantile(over(func(p pair) float64 { return float64(value(p.other)) }), 0.5))
	}
	ratios := over(func(p pair) float64 {
		if paced {
			return float64(p.other.p50) / float64(p.baseline.p50)
		}
		return p.baseline.total.Seconds() / p.other.total.Seconds()
	})
	return result{
		Scans:     count,
		PerSecond: quantile(over(func(p pair) float64 { return float64(count) / p.other.total.Seconds() }), 0.5),
		P50:       duration(func(s sample) time.Duration { return s.p50 }),
		P99:       duration(func(s sample) time.Duration { return s.p99 }),
		CPU:       duration(func(s sample) time.Duration { return s.cpu / time.Duration(count) }),
		LogLines:  int(quantile(over(func(p pair) float64 { return float64(p.other.logLines) }), 0.5)),
		Ratio:     quantile(ratios, 0.5),
		Spread:    (quantile(ratios, 0.75) - quantile(ratios, 0.25)) / 2,
		CPURatio:  quantile(over(func(p pair) float64 { return float64(p.other.cpu) / float64(p.baseline.cpu) }), 0.5),
	}
}

// quantile returns the value below which the share q of the values lies,
// between two of them in proportion.
func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

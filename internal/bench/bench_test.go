package bench

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// measured are results as a run makes them.
func measured() []Result {
	var results []Result
	for _, transport := range []string{"TCP", "unix"} {
		results = append(results,
			Result{File: "68 B", Threads: 1, Transport: transport, Peer: limitName, Scans: 10, PerSecond: 1000, OfLimit: 1, P50: time.Millisecond, P99: time.Millisecond, CPU: 30 * time.Microsecond, Alloc: -1},
			Result{File: "68 B", Threads: 1, Transport: transport, Peer: "a & b", Scans: 10, PerSecond: 900, OfLimit: 0.9, CPU: 50 * time.Microsecond, Alloc: 96})
	}
	return results
}

func TestRatiosAreMediansOfTheRounds(t *testing.T) {
	limits := []sample{{total: time.Second}, {total: 2 * time.Second}, {total: 4 * time.Second}}
	peer := []sample{{total: 2 * time.Second}, {total: 2 * time.Second}, {total: 5 * time.Second, alloc: 7}}
	r := summarise(peer, limits, 100)
	assert.InDelta(t, 0.8, r.OfLimit, 1e-9)
	assert.InDelta(t, 50, r.PerSecond, 1e-9)
}

func TestWhatAPeerDoesNotTellIsEmpty(t *testing.T) {
	var b strings.Builder
	require.NoError(t, writeCSV(&b, measured()))
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	require.Len(t, lines, 5)
	assert.Equal(t, "68 B,1,TCP,limit (C),10,1000.0,1.00,1000,1000,30,", lines[1])
	assert.Equal(t, "68 B,1,TCP,a & b,10,900.0,0.90,,,50,96", lines[2])
}

func TestThePlotIsWellFormed(t *testing.T) {
	d := xml.NewDecoder(strings.NewReader(plot(measured())))
	bars := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
			bars++
		}
	}
	assert.Equal(t, 1+2*2, bars, "the background, and a bar and a legend for each transport")
}

func TestTheFilesAreTheSameEachTime(t *testing.T) {
	assert.Equal(t, content(1000), content(1000))
	assert.NotEqual(t, content(1000)[:500], content(1000)[500:])
	assert.Contains(t, string(content(68)), "EICAR")
}

package bench

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

// file is a kind of file to scan.
type file struct {
	Name string
	size int
}

// The files of the bursts. The smallest is the EICAR test virus, the others
// are noise, in which no signature matches.
var (
	burstFiles = []file{{"68 B", 68}, {"100 KB", 100 << 10}, {"1 MB", 1 << 20}, {"15 MB", 15_000_000}, {"100 MB", 100 << 20}}
	pacedFiles = []file{{"4 KB", 4 << 10}, {"100 KB", 100 << 10}}
	allFiles   = append(pacedFiles[:1:1], burstFiles...)
)

// content is EICAR for its size and noise otherwise, which no client and no
// file system can make smaller.
func (f file) content() []byte {
	if f.size == len(testvirus.EICAR()) {
		return testvirus.EICAR()
	}
	p := make([]byte, f.size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(p) // the same bytes each time
	return p
}

// load is one task for a client: scan a file count times on some threads.
type load struct {
	path    string
	threads int
	count   int
	pause   time.Duration // of a thread after each scan
}

// row is one line of the tables: a kind of load, with which each client is
// measured.
type row struct {
	file      file
	threads   int
	transport string
	pause     time.Duration
}

func (r row) String() string {
	return fmt.Sprintf("%s, %s, threads %d, pause %v", r.file.Name, r.transport, r.threads, r.pause)
}

// Times of a run. A round is one run of each client, with its pair.
const (
	roundTime  = 400 * time.Millisecond // of the baseline client in a burst of small files; 3 times as much in a paced row
	pause      = 20 * time.Millisecond
	rounds     = 7
	bigRounds  = 3 // from 15 MB on, where one scan takes long
	bigFile    = 15_000_000
	mostScans  = 5000
	calibrated = 8 // scans of each thread in the trial that tells how many a round needs
)

// rows lists what is measured.
func (o Options) rows() []row {
	var rows []row
	add := func(files []file, pause time.Duration) {
		for _, f := range files {
			for _, threads := range []int{1, 8} {
				rows = append(rows, row{f, threads, tcp, pause}, row{f, threads, unix, pause})
			}
		}
	}
	bursts, paced := burstFiles, pacedFiles
	if o.Quick {
		bursts, paced = burstFiles[:3], pacedFiles[:1]
	}
	add(bursts, 0)
	add(paced, pause)
	return rows
}

// fewest is the least number of scans that tells something.
func (r row) fewest() int {
	if r.file.size >= bigFile {
		return max(2, r.threads)
	}
	return r.threads * calibrated
}

// lengths returns how many scans, the same for each thread, and how many rounds
// a row needs, if the baseline client makes so many scans a second.
func (o Options) lengths(r row, rate float64) (count, n int) {
	most, n := roundTime, rounds
	if o.Quick {
		most, n = roundTime/3, 3
	}
	switch {
	case r.pause > 0:
		return r.threads * int(3*most/r.pause), n
	case r.file.size >= bigFile:
		return r.fewest(), bigRounds
	default:
		each := min(mostScans, int(rate*most.Seconds())) / r.threads
		return max(r.fewest(), r.threads*each), n
	}
}

func (b *bench) measureAll(ctx context.Context) ([]result, error) {
	var results []result
	for _, r := range b.rows() {
		begin := time.Now()
		measured, err := b.measureRow(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", r, err)
		}
		results = append(results, measured...)
		run.Printf("%v: %d scans by each of %d clients in %v", r, measured[0].Scans, len(measured), time.Since(begin).Round(time.Second/10))
	}
	return results, nil
}

// measureRow lets the clients of a row take turns; the first is the baseline.
func (b *bench) measureRow(ctx context.Context, r row) ([]result, error) {
	clients := b.clients(r)
	l := load{path: b.path(r.file), threads: r.threads, count: r.fewest(), pause: r.pause}
	// Also for clamd, whose first scans with so many threads are slower.
	trial, err := b.sample(ctx, clients[0], l)
	if err != nil {
		return nil, err
	}
	var n int
	l.count, n = b.lengths(r, float64(l.count)/trial.total.Seconds())
	pairs := make([][]pair, len(clients))
	for round := range n {
		for i, other := range clients[1:] {
			var samples [2]sample
			for turn := range 2 {
				who := (round + turn) % 2 // the baseline begins every other round
				if samples[who], err = b.sample(ctx, []client{clients[0], other}[who], l); err != nil {
					return nil, err
				}
			}
			pairs[i+1] = append(pairs[i+1], pair{baseline: samples[0], other: samples[1]})
			pairs[0] = append(pairs[0], pair{samples[0], samples[0]})
		}
	}
	results := make([]result, len(clients))
	for i, c := range clients {
		results[i] = summarise(pairs[i], l.count, r.pause > 0)
		results[i].row, results[i].client = r, c.name
	}
	return results, nil
}

// sample runs a client and counts the lines that clamd's log gets meanwhile.
func (b *bench) sample(ctx context.Context, c client, l load) (sample, error) {
	lines := func() int {
		log, _ := os.ReadFile(b.clamdLog) // clamd made it when it started
		return bytes.Count(log, []byte("\n"))
	}
	before := lines()
	s, err := c.run(ctx, l)
	if err != nil {
		return s, fmt.Errorf("%s: %w", c.name, err)
	}
	s.logLines = lines() - before
	return s, nil
}

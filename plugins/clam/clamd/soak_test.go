package clamd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/clamdtest"
	"github.com/avirkit/avirkit/plugins/clam/realclamd"
	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

// shortSoak is how long TestSoak runs unless AVIR_FULL=1.
const shortSoak = 12 * time.Second

// soakThreads is the number of threads that the product's host uses.
const soakThreads = 8

// soakFile is a file and its right verdict.
type soakFile struct {
	path string
	want api.Verdict
}

// soakFiles are what a mail server sees, each infected one beside a clean one.
func soakFiles(t *testing.T) []soakFile {
	t.Helper()
	megabyte := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	return []soakFile{
		{write(t, "clean", harmless), api.OK},
		{write(t, "eicar.com", testvirus.EICAR()), api.VirusFound},
		{write(t, "large", megabyte), api.OK},
		{write(t, "infected", append(megabyte, testvirus.EICAR()...)), api.VirusFound},
		{write(t, "eicar.zip", zipOf(t, testvirus.EICAR())), api.VirusFound},
		{write(t, "clean.zip", zipOf(t, harmless)), api.OK},
		{write(t, "secret.zip", encryptedZipFile()), api.Impossible},
		{write(t, "empty", nil), api.OK},
	}
}

// load scans files on several threads until more says that it is enough.
type load struct {
	scans, wrong atomic.Int64
	slowest      atomic.Int64 // nanoseconds
}

func (l *load) run(t *testing.T, c *Client, files []soakFile, more func() bool) {
	var threads sync.WaitGroup
	for seed := range soakThreads {
		threads.Add(1)
		go func() {
			defer threads.Done()
			random := rand.New(rand.NewSource(int64(seed)))
			scanner := c.NewScanner()
			for more() {
				f := files[random.Intn(len(files))]
				begin := time.Now()
				result := scanner.Scan(context.Background(), api.File{Path: f.path})
				took := int64(time.Since(begin))
				for old := l.slowest.Load(); took > old && !l.slowest.CompareAndSwap(old, took); {
					old = l.slowest.Load()
				}
				l.scans.Add(1)
				if result.Verdict != f.want {
					l.wrong.Add(1)
					t.Errorf("%s: %v instead of %v: %s", f.path, result.Verdict, f.want, result.Text)
				}
			}
		}()
	}
	threads.Wait()
}

func TestSoak(t *testing.T) {
	length := shortSoak
	if os.Getenv("AVIR_FULL") == "1" {
		length = 2 * time.Minute
	}
	withoutLeaks(t, "while one of three clamds after the other is killed, restarted, reloaded, stalled or sick", func(t *testing.T) {
		one, two, three := clamdtest.Start(t, nil), clamdtest.Start(t, nil), clamdtest.Start(t, nil)
		c := startQuick(t, one.Addr+","+two.Addr+","+three.Socket, &logLines{}, func(c *Client) {
			c.ScanTimeout, c.times.silence = time.Minute, 5*time.Second
		})
		files := soakFiles(t)
		var l load
		l.run(t, c, files, func() bool { return l.scans.Load() < 200 }) // warm up
		before := rss(t)

		end := time.Now().Add(length)
		injected := make(chan map[string]int, 1)
		go func() { injected <- torment(t, end, one, two, three) }()
		l.run(t, c, files, func() bool { return time.Now().Before(end) })
		after := rss(t)
		summary := fmt.Sprintf("soak of %v: %d scans, faults %v, wrong verdicts %d, slowest scan %v, RSS %d KiB at the start, %d KiB at the end",
			length, l.scans.Load(), <-injected, l.wrong.Load(), time.Duration(l.slowest.Load()).Round(time.Millisecond), before, after)
		t.Log(summary)
		fmt.Println(summary)
		assert.Zero(t, l.wrong.Load())
		assert.Less(t, time.Duration(l.slowest.Load()), c.ScanTimeout+slack)
		assert.Less(t, after, before+32<<10, "memory is flat")
	})
}

// torment does things to one clamd after the other until end, and leaves them
// running. It returns what it did.
func torment(t *testing.T, end time.Time, clamds ...*realclamd.Clamd) map[string]int {
	random := rand.New(rand.NewSource(1))
	upTo := func(milliseconds int) { time.Sleep(time.Duration(random.Intn(milliseconds)) * time.Millisecond) }
	done := map[string]int{}
	faults := map[string]func(*realclamd.Clamd) error{
		"kill": func(c *realclamd.Clamd) error {
			err := c.Kill()
			upTo(200)
			return errors.Join(err, c.Start())
		},
		"restart": (*realclamd.Clamd).Restart,
		"reload":  (*realclamd.Clamd).Reload,
		"stall": func(c *realclamd.Clamd) error {
			err := c.Pause()
			upTo(400)
			return errors.Join(err, c.Resume())
		},
		// Without its TemporaryDirectory it can take no stream.
		"sick": func(c *realclamd.Clamd) error {
			err := os.Rename(c.TmpDir, c.TmpDir+".gone")
			upTo(1000)
			return errors.Join(err, os.Rename(c.TmpDir+".gone", c.TmpDir))
		},
	}
	names := []string{"kill", "restart", "reload", "stall", "sick"}
	for i := 0; time.Now().Before(end); i++ {
		name, c := names[random.Intn(len(names))], clamds[i%len(clamds)]
		if name == "sick" && i%len(clamds) == len(clamds)-1 {
			continue // the last one gets descriptors, and calls clean what it can't unpack
		}
		if err := faults[name](c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		done[name]++
		upTo(300)
	}
	return done
}

// rss is the memory of this process in KiB.
func rss(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	_, after, ok := strings.Cut(string(status), "VmRSS:")
	require.True(t, ok)
	n, err := strconv.Atoi(strings.Fields(after)[0])
	require.NoError(t, err)
	return n
}

func TestTwoServersOneKilledDuringTenThousandScans(t *testing.T) {
	const total = 10_000
	withoutLeaks(t, "all verdicts are right", func(t *testing.T) {
		doomed, stays := clamdtest.Start(t, nil), clamdtest.Start(t, nil)
		log := &logLines{}
		c := startQuick(t, doomed.Addr+","+stays.Addr, log, nil)
		files := []soakFile{{write(t, "clean", harmless), api.OK}, {write(t, "eicar.com", testvirus.EICAR()), api.VirusFound}}
		var l load
		var kill sync.Once
		l.run(t, c, files, func() bool {
			n := l.scans.Load()
			if n > total/3 {
				kill.Do(func() { assert.NoError(t, doomed.Kill()) })
			}
			return n < total
		})
		t.Logf("%d scans, wrong verdicts %d, slowest %v", l.scans.Load(), l.wrong.Load(), time.Duration(l.slowest.Load()))
		assert.GreaterOrEqual(t, l.scans.Load(), int64(total))
		assert.Zero(t, l.wrong.Load())
		assert.Less(t, time.Duration(l.slowest.Load()), c.ScanTimeout)
		assert.Contains(t, log.String(), doomed.Addr+" is marked down")
	})
}

package clamd

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/clamdtest"
	"github.com/avirkit/avirkit/plugins/clam/fakeclamd"
	"github.com/avirkit/avirkit/plugins/clam/realclamd"
	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

// onThreads scans a file on several threads, some times on each, and returns
// the slowest scan.
func onThreads(t *testing.T, c *Client, threads, times int, pause time.Duration, path string, want api.Verdict) (slowest time.Duration) {
	t.Helper()
	var all sync.WaitGroup
	var mu sync.Mutex
	for range threads {
		all.Add(1)
		go func() {
			defer all.Done()
			scanner := c.NewScanner()
			for range times {
				begin := time.Now()
				result := scanner.Scan(context.Background(), api.File{Path: path})
				took := time.Since(begin)
				mu.Lock()
				slowest = max(slowest, took)
				mu.Unlock()
				if result.Verdict != want {
					t.Errorf("%v instead of %v: %s", result.Verdict, want, result.Text)
				}
				time.Sleep(pause)
			}
		}()
	}
	all.Wait()
	return slowest
}

// errorBlamesClamd is a row of the fault table.
func errorBlamesClamd(t *testing.T) {
	sick, good := clamdtest.StartFake(t), clamdtest.StartFake(t)
	log := &logLines{}
	c := startQuick(t, sick.Addr+","+good.Addr, log, nil)
	path := write(t, "sample", harmless)
	sick.Set(answer("stream: Can't allocate memory ERROR"))
	onThreads(t, c, 8, 40, time.Millisecond, path, api.OK)
	assert.Equal(t, 1, strings.Count(log.String(), sick.Addr+" is marked down"), log.String())
	assert.Contains(t, log.String(), "Can't allocate memory")
	sick.Set(fakeclamd.Fault{})
	eventually(t, "it is back", func() bool { return strings.Contains(log.String(), sick.Addr+" is back") })

	// One that passes its tests and refuses files draws no more of them.
	sick.Set(fakeclamd.Fault{Name: "refuse-plain"})
	onThreads(t, c, 8, 40, time.Millisecond, path, api.OK)
	sick.Set(fakeclamd.Fault{})

	// A single one is asked once more.
	r := newRig(t, overTCP)
	once := answer("stream: Can't allocate memory ERROR")
	once.Times = 1
	r.spoilt(once, testvirus.EICAR(), api.VirusFound)
	r.fake.Set(fakeclamd.Fault{Name: "refuse-plain"})
	result := r.scan(harmless, enough)
	assert.Equal(t, api.Failed, result.Verdict, "it says so twice")
	assert.Contains(t, result.Text, "Can't allocate memory")
	r.fake.Set(fakeclamd.Fault{})
	r.isVirus()
}

// smallRoom mounts a file system of a size in place of a clamd's
// TemporaryDirectory.
func smallRoom(t *testing.T, c *realclamd.Clamd, size string) {
	t.Helper()
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", c.TmpDir).CombinedOutput()
	if err != nil {
		needs(t, fmt.Errorf("mount a small file system: %w: %s", err, out))
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", c.TmpDir).Run() })
}

// needs skips a test where something is missing, and fails it where nothing
// may be.
func needs(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skip("NOT TESTED: ", err)
}

// fill takes the rest of the room in a clamd's TemporaryDirectory.
func fill(t *testing.T, c *realclamd.Clamd) {
	t.Helper()
	f, err := os.Create(c.TmpDir + "/fill")
	require.NoError(t, err)
	defer f.Close()
	for block := make([]byte, 64<<10); err == nil; {
		_, err = f.Write(block)
	}
}

// temporaryDirectoryFills is a row of the fault table.
func temporaryDirectoryFills(t *testing.T) {
	sick, good := clamdtest.Start(t, map[string]string{"MaxScanSize": "20M"}), clamdtest.Start(t, nil)
	smallRoom(t, sick, "32m")
	log := &logLines{}
	for i, address := range []string{sick.Addr, sick.Socket} {
		farm := startQuick(t, address+","+good.Addr, log, nil)
		alone := startQuick(t, address, log, nil)
		path, bad := write(t, "sample", harmless), write(t, "x.pdf", pdfOf(300_000+i))
		assert.Equal(t, api.VirusFound, scan(alone, bad).Verdict, "there is room")
		fill(t, sick)
		assert.Equal(t, api.Failed, timedScan(t, alone, bad, enough).Verdict, "clamd says OK")
		onThreads(t, farm, 4, 20, time.Millisecond, path, api.OK)
		onThreads(t, farm, 1, 10, 0, bad, api.VirusFound)
		require.NoError(t, os.Remove(sick.TmpDir+"/fill"))
		// clamd remembers what it has called clean, so another file is needed.
		other := write(t, "other.pdf", pdfOf(400_000+i))
		assert.Equal(t, api.VirusFound, timedScan(t, alone, other, enough).Verdict, "there is room again")
		farm.Close()
		alone.Close()
	}
	assert.Contains(t, log.String(), "TemporaryDirectory")
}

// What a clamd calls OK because it can't unpack it must not be OK here, as a
// document or in a mail, with whatever room there is.
func TestTooLittleRoomIsNeverOK(t *testing.T) {
	for _, room := range []string{"64k", "256k", "1m", "2m"} {
		real := clamdtest.Start(t, nil)
		smallRoom(t, real, room)
		for _, address := range []string{real.Addr, real.Socket} {
			c := newQuick(t, address, &logLines{})
			err := c.Start()
			// What the client before had scanned may still take room.
			for limit := time.Now().Add(slack); err != nil && room == "2m" && time.Now().Before(limit); {
				c = newQuick(t, address, &logLines{})
				err = c.Start()
			}
			if err != nil {
				assert.NotEqual(t, "2m", room, "it is enough for small files: %v", err)
				assert.ErrorContains(t, err, "room", room)
				continue
			}
			t.Cleanup(c.Close)
			for name, content := range map[string][]byte{
				"small.pdf": pdfOf(300_000), "large.pdf": pdfOf(30 << 20), "mail.eml": mailOf(t, pdfOf(3<<20)), "large.eml": mailOf(t, make([]byte, 3<<20)),
			} {
				verdict := scan(c, write(t, name, content)).Verdict
				assert.NotEqual(t, api.OK, verdict, "%s with a room of %s", name, room)
			}
			c.Close()
		}
	}
}

// shortOfDescriptors is a row of the fault table.
func shortOfDescriptors(t *testing.T) {
	real := clamdtest.Start(t, map[string]string{"MaxThreads": "8"})
	log := &logLines{}
	c := startQuick(t, real.Addr+","+real.Socket, log, nil)
	path := write(t, "sample", harmless)
	require.Equal(t, api.OK, scan(c, path).Verdict)
	c.Close()
	for limit, want := range map[int]bool{24: false, 39: false, 40: true, 300: true} {
		limitFiles(t, real.PID(), limit)
		for _, address := range []string{real.Addr, real.Socket} {
			c := newQuick(t, address, log)
			err := c.Start()
			assert.Equal(t, want, err == nil, "%d files: %v", limit, err)
			if err == nil {
				c.Close()
			} else {
				assert.ErrorContains(t, err, "LimitNOFILE")
			}
		}
	}
	assert.Contains(t, log.String(), "where its queue is full", "40 are enough for its threads only")
}

func limitFiles(t *testing.T, pid, n int) {
	t.Helper()
	out, err := exec.Command("prlimit", "--pid", fmt.Sprint(pid), fmt.Sprintf("--nofile=%d:", n)).CombinedOutput()
	require.NoError(t, err, string(out))
}

// ownSessions is a row of the fault table.
func ownSessions(t *testing.T) {
	real := clamdtest.Start(t, map[string]string{"MaxThreads": "2", "MaxQueue": "4"})
	for _, address := range []string{real.Addr, real.Socket} {
		c := start(t, config(t, address, &logLines{}))
		path := write(t, "sample", harmless)
		slowest := onThreads(t, c, 8, 20, 20*time.Millisecond, path, api.OK)
		assert.Less(t, slowest, 5*time.Second, "a scan waited for sessions that nobody uses")
		c.Close()
	}
}

func TestManyThreadsAreServedByADefaultClamd(t *testing.T) {
	real := clamdtest.Start(t, nil)
	for _, address := range []string{real.Addr, real.Socket} {
		c := start(t, config(t, address, &logLines{}))
		slowest := onThreads(t, c, 200, 5, 0, write(t, "sample", harmless), api.OK)
		assert.Less(t, slowest, c.ScanTimeout)
		c.Close()
	}
}

// blackHoleAmongAddresses is a row of the fault table: a name whose first
// address never answers costs one connection.
func blackHoleAmongAddresses(t *testing.T) {
	fake := clamdtest.StartFake(t)
	_, port, err := net.SplitHostPort(fake.Addr)
	require.NoError(t, err)
	const hole = "127.77.0.1"
	fullListener(t, "tcp", net.JoinHostPort(hole, port))
	var asked atomic.Int32
	c := startQuick(t, "clamd.example:"+port, &logLines{}, func(c *Client) {
		c.lookup = func(context.Context, string) ([]string, error) {
			asked.Add(1)
			return []string{hole, "127.0.0.1"}, nil
		}
	})
	s, path := c.servers[0], write(t, "sample", harmless)
	for range 5 {
		s.pool.dropIdle()
		begin := time.Now()
		assert.Equal(t, api.OK, timedScan(t, c, path, enough).Verdict)
		assert.Less(t, time.Since(begin), stagger, "the address that answered last comes first")
	}
	assert.Positive(t, asked.Load())
}

func TestANameThatDNSNoLongerKnowsKeepsItsLastAddress(t *testing.T) {
	fake := clamdtest.StartFake(t)
	_, port, err := net.SplitHostPort(fake.Addr)
	require.NoError(t, err)
	var gone atomic.Bool
	c := startQuick(t, "clamd.example:"+port, &logLines{}, func(c *Client) {
		c.lookup = func(_ context.Context, host string) ([]string, error) {
			if gone.Load() {
				return nil, &net.DNSError{Err: "server misbehaving", Name: host, IsTemporary: true}
			}
			return []string{"127.0.0.1"}, nil
		}
	})
	gone.Store(true)
	c.servers[0].pool.dropIdle()
	assert.Equal(t, api.OK, timedScan(t, c, write(t, "sample", harmless), enough).Verdict)
}

func TestAFarmIsUsedEvenly(t *testing.T) {
	fakes := []*fakeclamd.Server{clamdtest.StartFake(t), clamdtest.StartFake(t), clamdtest.StartFake(t)}
	c := startQuick(t, fakes[0].Addr+","+fakes[1].Addr+","+fakes[2].Addr, &logLines{}, nil)
	path := write(t, "sample", harmless)
	for _, s := range c.servers {
		eventually(t, "all are ready", func() bool { is, _ := s.load(); return is == ready })
	}
	c.turn.Store(1<<32 - 20) // it overflows meanwhile
	var before [3]int
	for i, f := range fakes {
		before[i] = f.Scans()
	}
	for range 60 {
		require.Equal(t, api.OK, scan(c, path).Verdict)
	}
	for i, f := range fakes {
		assert.InDelta(t, 20, f.Scans()-before[i], 2)
	}
}

package clamd

import (
	"context"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/clamdtest"
	"github.com/avirkit/avirkit/plugins/clam/fakeclamd"
	"github.com/avirkit/avirkit/plugins/clam/testvirus"
	"github.com/avirkit/avirkit/plugins/clam/wire"
)

// quick are times with which a fault test takes tenths of a second.
var quick = times{
	dial:    time.Second,
	silence: 2 * time.Second,
	ping:    400 * time.Millisecond,
	idle:    time.Minute,
	crowd:   50 * time.Millisecond,
	pause:   5 * time.Millisecond,
	pauseTo: 50 * time.Millisecond,
	look:    time.Hour,
	grace:   200 * time.Millisecond,
}

const (
	// enough is the deadline of a scan that is expected to go well.
	enough = 30 * time.Second

	// brief is the deadline of a scan that a fault is expected to spoil.
	brief = 700 * time.Millisecond

	// slack is what a busy machine may add to any bound.
	slack = 20 * time.Second
)

// rig is a client of a fake clamd, with both ready.
type rig struct {
	t    *testing.T
	fake *fakeclamd.Server
	c    *Client
	log  *logLines
}

// overTCP and overUnix say how the client reaches the fake.
func overTCP(f *fakeclamd.Server) string  { return f.Addr }
func overUnix(f *fakeclamd.Server) string { return f.Socket }

func newRig(t *testing.T, via func(*fakeclamd.Server) string) *rig {
	t.Helper()
	return newRigWith(t, via, nil)
}

// newRigWith makes a rig whose client change may alter before its start.
func newRigWith(t *testing.T, via func(*fakeclamd.Server) string, change func(*Client)) *rig {
	t.Helper()
	fake, log := clamdtest.StartFake(t), &logLines{}
	return &rig{t, fake, startQuick(t, via(fake), log, change), log}
}

// startQuick starts a client with quick times; change may alter it before.
func startQuick(t *testing.T, addresses string, log *logLines, change func(*Client)) *Client {
	t.Helper()
	c := newQuick(t, addresses, log)
	if change != nil {
		change(c)
	}
	require.NoError(t, c.Start())
	t.Cleanup(c.Close)
	return c
}

func newQuick(t *testing.T, addresses string, log *logLines) *Client {
	t.Helper()
	cfg := config(t, addresses, log)
	cfg.ScanTimeout = enough
	cfg.StartupTimeout = 20 * time.Second
	c := New(cfg)
	c.settings.times = quick
	return c
}

// scan scans content and requires an answer within the limit.
func (r *rig) scan(content []byte, limit time.Duration) api.Result {
	r.t.Helper()
	return timedScan(r.t, r.c, write(r.t, "sample", content), limit)
}

func timedScan(t *testing.T, c *Client, path string, limit time.Duration) api.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	begin := time.Now()
	scanner := c.NewScanner()
	result := scanner.Scan(ctx, api.File{Path: path, RealName: "sample"})
	assert.Less(t, time.Since(begin), limit+slack, "the scan kept to its deadline")
	return result
}

// isVirus checks that EICAR is found, now that the fault is over.
func (r *rig) isVirus() {
	r.t.Helper()
	result := r.scan(testvirus.EICAR(), enough)
	assert.Equal(r.t, api.VirusFound, result.Verdict, result.Text)
	assert.Equal(r.t, testvirus.SignatureName, result.Text)
}

// connect makes sure that the server is ready and that the next file finds a
// connection, so that a fault meets it there.
func (r *rig) connect() {
	r.t.Helper()
	s := r.c.servers[0]
	eventually(r.t, "the server is ready", func() bool { is, _ := s.load(); return is == ready })
	x, err := s.session(&wire.Wait{Ctx: context.Background(), Deadline: time.Now().Add(enough), Silence: enough, Ping: enough}, r.c.ctx)
	require.NoError(r.t, err)
	s.pool.put(x)
}

// selfTestInterval is an option SelfTest for tests that wait for the next one.
const selfTestInterval = 2 * time.Second

// isFoundOut scans until a self-test has failed. It comes while the server is
// used, and not ten intervals later.
func (r *rig) isFoundOut() { isFoundOut(r.t, r.c) }

func isFoundOut(t *testing.T, c *Client) {
	t.Helper()
	path := write(t, "sample", harmless)
	began := time.Now()
	for scan(c, path).Verdict == api.OK {
		require.Less(t, time.Since(began), 4*selfTestInterval, "a sick server has passed for a good one")
	}
	// A scan doesn't say OK long after a test was due, but waits for it.
	require.Less(t, time.Since(began), 8*selfTestInterval, "the test that was due came late")
}

// spoilt checks the verdict of a clean file while the fake misbehaves.
func (r *rig) spoilt(fault fakeclamd.Fault, content []byte, want api.Verdict) api.Result {
	r.t.Helper()
	path := write(r.t, "sample", content)
	r.connect()
	r.fake.Set(fault)
	limit := enough
	if want == api.Failed && fault.Times == 0 {
		limit = brief
	}
	result := timedScan(r.t, r.c, path, limit)
	assert.Equal(r.t, want, result.Verdict, "%s: %s", fault.Name, result.Text)
	r.fake.Set(fakeclamd.Fault{})
	return result
}

// repeated checks that one fault is survived by a repetition, and that a
// fault without end is FAILED.
func (r *rig) repeated(name string, content []byte) {
	r.t.Helper()
	before := r.fake.Scans()
	r.spoilt(fakeclamd.Fault{Name: name, Times: 1}, content, api.VirusFound)
	assert.Greater(r.t, r.fake.Scans(), before+1, "the file was sent again")
	r.spoilt(fakeclamd.Fault{Name: name}, content, api.Failed)
	r.isVirus()
}

// background scans on another goroutine.
func background(c *Client, path string) <-chan api.Result {
	done := make(chan api.Result, 1)
	go func() {
		scanner := c.NewScanner()
		done <- scanner.Scan(context.Background(), api.File{Path: path, RealName: "sample"})
	}()
	return done
}

// await returns what a background scan answers.
func await(t *testing.T, done <-chan api.Result) api.Result {
	t.Helper()
	select {
	case result := <-done:
		return result
	case <-time.After(enough + slack):
		t.Fatal("the scan did not answer")
		return api.Result{}
	}
}

// eventually waits for what another goroutine does.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, slack, time.Millisecond, what)
}

// resources counts what a test could leave behind.
func resources(t *testing.T) (descriptors, goroutines int) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(entries), runtime.NumGoroutine()
}

// withoutLeaks runs a test and checks that no connection, descriptor or
// goroutine is left when it and its cleanups have ended.
func withoutLeaks(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	// The runtime's poller has descriptors of its own from its first use on.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	descriptors, goroutines := resources(t)
	t.Run(name, test)
	for limit := time.Now().Add(slack); ; time.Sleep(time.Millisecond) {
		d, g := resources(t)
		if d <= descriptors && g <= goroutines {
			return
		}
		if time.Now().After(limit) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%s left something: descriptors %d, before %d; goroutines %d, before %d\n%s",
				name, d, descriptors, g, goroutines, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

package clamd

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/clamdtest"
	"github.com/avirkit/avirkit/plugins/clam/fakeclamd"
	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

// silentLimit is a clamd that calls everything over 3 MB clean.
var silentLimit = map[string]string{"MaxFileSize": "3M", "AlertExceedsMax": "no"}

// pastLimit is an infected file that a clamd with silentLimit calls OK.
func pastLimit(t *testing.T) string {
	return write(t, "infected", append(make([]byte, 5<<20), testvirus.EICAR()...))
}

func TestCleanFilesOfABurstCauseNoTest(t *testing.T) {
	for _, via := range []func(*fakeclamd.Server) string{overTCP, overUnix} {
		r := newRig(t, via)
		path := write(t, "sample", harmless)
		before := r.fake.Scans()
		for range 50 {
			require.Equal(t, api.OK, scan(r.c, path).Verdict)
		}
		assert.Equal(t, before+50, r.fake.Scans(), "clamd had the files and nothing else")
	}
}

func TestAServerThatWasNotUsedForLongIsTestedBeforeItsNextFile(t *testing.T) {
	const interval = 300 * time.Millisecond
	r := newRigWith(t, overTCP, func(c *Client) { c.SelfTest = interval })
	r.isVirus()
	time.Sleep(3 * interval) // is what is tested: time without a file
	eventually(t, "the keeper sleeps", func() bool {
		s := r.c.servers[0]
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.dozes
	})
	before := r.fake.Scans()
	time.Sleep(2 * interval)
	assert.Equal(t, before, r.fake.Scans(), "an unused server is not tested")
	r.fake.Set(fakeclamd.Fault{Name: "dead-engine"})
	result := r.scan(testvirus.EICAR(), enough)
	assert.Equal(t, api.Failed, result.Verdict, "an OK of so long after a test counts no more")
	assert.Contains(t, result.Text, "test virus")
	r.fake.Set(fakeclamd.Fault{})
	r.isVirus()
}

func TestAnotherVersionIsTested(t *testing.T) {
	r := newRigWith(t, overTCP, func(c *Client) { c.times.look = 100 * time.Millisecond })
	path := write(t, "sample", harmless)
	require.Equal(t, api.OK, scan(r.c, path).Verdict)
	r.fake.Set(fakeclamd.Fault{Name: "dead-engine"})
	r.fake.SetVersion("ClamAV 9.9.9/1/Sun Nov 15 12:00:00 2026")
	for limit := time.Now().Add(slack); scan(r.c, path).Verdict == api.OK; {
		require.True(t, time.Now().Before(limit), "a clamd of another version was never tested")
	}
}

func TestEachSuspiciousAnswerIsFollowedByATestBeforeTheNextFile(t *testing.T) {
	for _, fault := range []string{"reply=stream: Can't allocate memory ERROR", "eof", "no-reply", "half-reply", "timeout", "reset"} {
		r := newRig(t, overTCP)
		f, err := fakeclamd.ParseFault(fault)
		require.NoError(t, err)
		f.Times = 1
		r.connect()
		before := r.fake.Scans()
		r.fake.Set(f)
		result := r.scan(harmless, enough)
		assert.Equal(t, api.OK, result.Verdict, "%s: %s", fault, result.Text)
		tests := r.fake.Scans() - before - 2
		assert.Equal(t, 3, tests, "%s: between the file's two ways there was one thorough test", fault)
	}
}

func TestAFileOverALimitOfWhichClamdIsSilentIsNotOK(t *testing.T) {
	real := clamdtest.Start(t, silentLimit)
	infected := pastLimit(t)
	fits := write(t, "fits", append(make([]byte, 1<<20), testvirus.EICAR()...))
	clean := write(t, "clean", make([]byte, 1<<20))
	for _, address := range []string{real.Addr, real.Socket} {
		log := &logLines{}
		c := start(t, config(t, address, log))
		for range 2 {
			assert.Equal(t, api.Impossible, scan(c, infected).Verdict, "clamd says OK")
			assert.Equal(t, api.VirusFound, scan(c, fits).Verdict)
			assert.Equal(t, api.OK, scan(c, clean).Verdict)
		}
		assert.Equal(t, 1, strings.Count(log.String(), "without a scan"), log.String())
	}
}

func TestAFileThatClamdScansIsOKWhateverItTellsOfItsLimits(t *testing.T) {
	for _, tells := range []string{"yes", "no"} {
		real := clamdtest.Start(t, map[string]string{"MaxFileSize": "20M", "StreamMaxLength": "20M", "AlertExceedsMax": tells})
		for _, address := range []string{real.Addr, real.Socket} {
			c := start(t, config(t, address, &logLines{}))
			for _, size := range []int{15_000_000, 20 << 20, 100_000} {
				result := scan(c, write(t, "huge", make([]byte, size)))
				assert.Equal(t, api.OK, result.Verdict, "%d bytes: %s", size, result.Text)
			}
			assert.Equal(t, api.Impossible, scan(c, write(t, "larger", make([]byte, 20<<20+1))).Verdict)
		}
	}
}

func TestASizeIsTriedOnce(t *testing.T) {
	r := newRig(t, overTCP)
	large, larger := write(t, "large", make([]byte, 100_000)), write(t, "larger", make([]byte, 200_000))
	require.Equal(t, api.OK, scan(r.c, large).Verdict)
	before := r.fake.Scans()
	for range 10 {
		require.Equal(t, api.OK, scan(r.c, large).Verdict)
	}
	r.fake.Hangup()
	r.c.servers[0].pool.dropIdle() // another connection is no other server
	require.Equal(t, api.OK, scan(r.c, larger).Verdict)
	assert.Equal(t, before+11, r.fake.Scans(), "this clamd tells of its limits: any size was tried")
}

func TestARestartWithOtherLimitsIsNoticed(t *testing.T) {
	real := clamdtest.Start(t, silentLimit)
	c := startQuick(t, real.Addr, &logLines{}, patient)
	infected, small := pastLimit(t), write(t, "small", harmless)
	for _, limit := range []struct {
		size string
		want api.Verdict
	}{{"3M", api.Impossible}, {"25M", api.VirusFound}, {"3M", api.Impossible}} {
		assert.Equal(t, api.OK, scan(c, small).Verdict, "a session is open")
		real.SetConfig("MaxFileSize", limit.size)
		require.NoError(t, real.Restart())
		assert.Equal(t, limit.want, timedScan(t, c, infected, enough).Verdict, "MaxFileSize %s", limit.size)
	}
}

func TestARestartThatNoSessionSawIsNoticedOverAUnixSocket(t *testing.T) {
	real := clamdtest.Start(t, silentLimit)
	c := startQuick(t, real.Socket, &logLines{}, patient)
	small := write(t, "small", harmless)
	require.Equal(t, api.OK, scan(c, small).Verdict)
	c.servers[0].pool.dropIdle()
	require.NoError(t, real.Restart())
	require.NoError(t, os.RemoveAll(real.TmpDir))
	assert.Equal(t, api.Failed, timedScan(t, c, small, brief).Verdict)
	require.NoError(t, os.Mkdir(real.TmpDir, 0o755))
	assert.Equal(t, api.OK, timedScan(t, c, small, enough).Verdict)
}

func TestAFileThatCanNotBeReadIsNotOK(t *testing.T) {
	real := clamdtest.Start(t, nil)
	for _, address := range []string{real.Addr, real.Socket} {
		c := start(t, config(t, address, &logLines{}))
		for _, path := range []string{
			"/sys/class/net/lo/mtu",   // less than its size says
			"/sys/class/net/lo/speed", // EINVAL
			"/proc/self/mem",
		} {
			result := scan(c, path)
			assert.Equal(t, api.Failed, result.Verdict, "%s: %s", path, result.Text)
		}
	}
}

func TestADescriptorThatDoesNotArriveIsReplacedByAStream(t *testing.T) {
	for want, content := range map[api.Verdict][]byte{api.OK: harmless, api.VirusFound: testvirus.EICAR()} {
		r := newRig(t, overUnix)
		r.spoilt(fakeclamd.Fault{Name: "reply", Text: noDescriptorText + " ERROR", Times: 1}, content, want)
		assert.False(t, r.c.servers[0].byDescriptor())
		assert.Contains(t, r.log.String(), "INSTREAM")
	}
}

// The hostile clamd gets the descriptor of the test file and does to it what
// it can.
func TestNobodyCanChangeATestFile(t *testing.T) {
	z := testvirus.Plain(0)
	for name, make := range map[string]func(testvirus.Zip) (int, error){"sealed": makeSealed, "read-only": makeReadOnly} {
		fd, err := make(z)
		require.NoError(t, err, name)
		_, err = syscall.Pwrite(fd, []byte("x"), 0)
		assert.Error(t, err, name)
		assert.Error(t, syscall.Ftruncate(fd, 0), name)
		assert.Error(t, syscall.Ftruncate(fd, 1<<20), name)
		content := append([]byte(nil), z.Bytes()...)
		n, err := syscall.Pread(fd, content, 0)
		require.NoError(t, err)
		assert.Equal(t, z.Bytes(), content[:n], name)
		link, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
		require.NoError(t, err)
		assert.Contains(t, link, "avirkit-selftest", "clamd's log names it")
		assert.Contains(t, link, "(deleted)", "%s: it is gone with its descriptor", name)
		closeFile(fd)
	}
}

func TestEachTestHasAFileOfItsOwn(t *testing.T) {
	one, err := makeTestFile(testvirus.Plain(0))
	require.NoError(t, err)
	defer closeFile(one)
	two, err := makeTestFile(testvirus.Plain(0))
	require.NoError(t, err)
	defer closeFile(two)
	var first, second syscall.Stat_t
	require.NoError(t, syscall.Fstat(one, &first))
	require.NoError(t, syscall.Fstat(two, &second))
	assert.NotEqual(t, first.Ino, second.Ino)
}

func TestTheNextTestComesSoonHoweverManyHaveFailed(t *testing.T) {
	c := New(config(t, "127.0.0.1", &logLines{}))
	defer c.Close()
	s := c.servers[0]
	for failures, most := range map[int]time.Duration{0: 0, 1: 50 * time.Millisecond, 2: 100 * time.Millisecond, 7: 3200 * time.Millisecond, 8: 5 * time.Second, 1000: 5 * time.Second} {
		pause := s.pauseAfter(failures, s.times.pauseTo)
		assert.LessOrEqual(t, pause, most, "%d failures", failures)
		assert.GreaterOrEqual(t, pause, most, "%d failures", failures)
	}
}

// A process of its own does nothing else that would wake up.
func TestAnIdleClientDoesNotWakeUp(t *testing.T) {
	const variable = "AVIR_TEST_IDLE_AT"
	if addresses := os.Getenv(variable); addresses != "" {
		without := quietestSecond(t)
		c := start(t, config(t, addresses, &logLines{}))
		for range 10 {
			require.Equal(t, api.OK, scan(c, write(t, "sample", harmless)).Verdict)
		}
		const allowed = 2
		now := quietestSecond(t)
		for range 3 { // on a busy machine, others' work is in a second
			if now <= without+allowed {
				break
			}
			now = min(now, quietestSecond(t))
		}
		assert.LessOrEqual(t, now, without+allowed, "wake-ups in a second")
		return
	}
	real := clamdtest.Start(t, nil)
	child := exec.Command(os.Args[0], "-test.run=^TestAnIdleClientDoesNotWakeUp$")
	child.Env = append(os.Environ(), variable+"="+real.Addr+","+real.Socket)
	out, err := child.CombinedOutput()
	assert.NoError(t, err, string(out))
}

// quietestSecond counts the wake-ups of the quietest of some seconds, as the
// runtime has something to do in others.
func quietestSecond(t *testing.T) int {
	t.Helper()
	least := 1 << 30
	for range 4 {
		before := wakeUps(t)
		time.Sleep(time.Second)
		least = min(least, wakeUps(t)-before)
	}
	return least
}

// wakeUps counts how often the threads of this process waited for something.
func wakeUps(t *testing.T) (n int) {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	require.NoError(t, err)
	for _, task := range tasks {
		status, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/status")
		_, after, _ := strings.Cut(string(status), "\nvoluntary_ctxt_switches:")
		var waits int
		_, _ = fmt.Sscan(after, &waits)
		n += waits
	}
	return n
}

func TestTheTimesOfAnyScanTimeoutLeaveRoomForAnotherServer(t *testing.T) {
	for _, seconds := range []int{5, 9, 15, 30, 31, 180, 3600} {
		cfg := config(t, "127.0.0.1", &logLines{})
		cfg.ScanTimeout = time.Duration(seconds) * time.Second
		times := New(cfg).times
		assert.LessOrEqual(t, 3*times.ping, times.silence, "%d s", seconds)
		assert.GreaterOrEqual(t, times.silence, min(5*time.Second, cfg.ScanTimeout/2), "%d s", seconds)
		assert.LessOrEqual(t, 2*times.silence, cfg.ScanTimeout, "%d s: a silent server leaves time for another one", seconds)
		assert.LessOrEqual(t, times.silence, time.Minute, "%d s", seconds)
		assert.LessOrEqual(t, 3*times.dial, cfg.ScanTimeout, "%d s: a blackhole leaves time for another server", seconds)
	}
}

func TestWhatThisMachineLacksIsNotTheServersFault(t *testing.T) {
	for err, want := range map[error]bool{
		syscall.EMFILE: true,
		syscall.ENFILE: true,
		syscall.EAGAIN: true,
		fmt.Errorf("%w: %w", errNoTestFile, os.ErrPermission): true,
		syscall.ECONNREFUSED:     false,
		context.DeadlineExceeded: false,
		errUnfit:                 false,
	} {
		assert.Equal(t, want, isOurFault(fmt.Errorf("wrapped: %w", err)), "%v", err)
	}
}

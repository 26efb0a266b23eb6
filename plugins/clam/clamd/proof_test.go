package clamd

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
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
			log := &logLines{}
			c := start(t, config(t, address, log))
			for _, size := range []int{15_000_000, 20 << 20, 100_000} {
				result := scan(c, write(t, "huge", make([]byte, size)))
				assert.Equal(t, api.OK, result.Verdict, "%d bytes: %s", size, result.Text)
			}
			assert.Equal(t, api.Impossible, scan(c, write(t, "larger", make([]byte, 20<<20+1))).Verdict)
		}
	}
}

// switchboard is one address with several servers behind it, as a balancer
// has.
func switchboard(t *testing.T) (address string, connect func(to string)) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	var target atomic.Value
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp", target.Load().(string))
			if err != nil {
				_ = conn.Close()
				continue
			}
			forward := func(to, from net.Conn) {
				_, _ = io.Copy(to, from)
				_ = to.Close()
			}
			go forward(conn, up)
			go forward(up, conn)
		}
	}()
	return l.Addr().String(), func(to string) { target.Store(to) }
}

func TestWhatOneServerProvedIsNotBelievedOfAnotherBehindTheSameAddress(t *testing.T) {
	large, small := clamdtest.Start(t, nil), clamdtest.Start(t, silentLimit)
	address, connect := switchboard(t)
	connect(large.Addr)
	c := start(t, config(t, address, &logLines{}))
	infected, clean := pastLimit(t), write(t, "clean", make([]byte, 5<<20))
	assert.Equal(t, api.OK, scan(c, clean).Verdict)
	connect(small.Addr)
	assert.Equal(t, api.OK, scan(c, clean).Verdict, "this connection is as it was")
	c.dropIdle(c.servers[0])
	assert.Equal(t, api.Impossible, scan(c, infected).Verdict)
	assert.Equal(t, api.Impossible, scan(c, clean).Verdict)
}

func TestARestartWithOtherLimitsIsNoticed(t *testing.T) {
	real := clamdtest.Start(t, silentLimit)
	c := startQuick(t, real.Addr, &logLines{}, func(c *Client) {
		patient(c)
		c.MaxFileSize = 25 << 20
	})
	infected := pastLimit(t)
	for _, limit := range []struct {
		size string
		want api.Verdict
	}{{"3M", api.Impossible}, {"25M", api.VirusFound}, {"3M", api.Impossible}} {
		real.SetConfig("MaxFileSize", limit.size)
		require.NoError(t, real.Restart())
		assert.Equal(t, limit.want, timedScan(t, c, infected, enough).Verdict, "MaxFileSize %s", limit.size)
	}
}

// An engine that dies between two scans leaves all connections as they are.
func TestAnEngineThatDiesBehindOpenConnectionsIsFoundOutByTheNextFile(t *testing.T) {
	for _, via := range []func(*fakeclamd.Server) string{overTCP, overUnix} {
		r := newRig(t, via)
		r.isVirus()
		assert.Equal(t, api.OK, r.scan(harmless, enough).Verdict)
		time.Sleep(2 * burstGap) // the burst is over
		r.fake.Set(fakeclamd.Fault{Name: "dead-engine"})
		result := r.scan(testvirus.EICAR(), enough)
		assert.Equal(t, api.Failed, result.Verdict)
		assert.Contains(t, result.Text, "test virus")
		r.fake.Set(fakeclamd.Fault{})
		r.isVirus()
	}
}

func TestATemporaryDirectoryThatVanishesIsFoundOutByTheNextFile(t *testing.T) {
	real := clamdtest.Start(t, nil)
	archive := write(t, "eicar.zip", zipOf(t, testvirus.EICAR()))
	for _, address := range []string{real.Socket, real.Addr} {
		c := start(t, config(t, address, &logLines{}))
		assert.Equal(t, api.VirusFound, scan(c, archive).Verdict)
		require.NoError(t, os.RemoveAll(real.TmpDir))
		assert.Equal(t, api.Failed, scan(c, archive).Verdict)
		require.NoError(t, os.Mkdir(real.TmpDir, 0o755))
	}
}

func TestABurstOfScansSharesItsProofs(t *testing.T) {
	r := newRigWith(t, overTCP, func(c *Client) {
		c.times.tick, c.times.fresh = time.Hour, time.Hour
	})
	path, scanner := write(t, "sample", harmless), r.c.NewScanner()
	before := r.fake.Scans()
	const burst = 100
	for range burst {
		require.Equal(t, api.OK, scanner.Scan(context.Background(), api.File{Path: path}).Verdict)
	}
	// A busy machine makes pauses in it.
	assert.Less(t, r.fake.Scans()-before, burst+burst/2)
}

func TestVerdictsThatNeedNoProofAreGivenWithoutOne(t *testing.T) {
	// Each connection ends after one answer, or has an answer for everything.
	for text, want := range map[string]api.Verdict{
		"INSTREAM size limit exceeded. ERROR":        api.Impossible,
		"stream: Heuristics.Encrypted.Zip FOUND":     api.Impossible,
		"stream: (null) FOUND":                       api.Impossible,
		"stream: Heuristics.Limits.Exceeded FOUND":   api.Impossible,
		"stream: Something.Bad FOUND":                api.VirusFound,
		"stream: Can't allocate memory ERROR":        api.Failed,
		"stream: Can't create temporary file. ERROR": api.Failed,
	} {
		r := newRig(t, overTCP)
		r.fake.Set(answer(text))
		path := write(t, "sample", harmless)
		done := make(chan api.Result)
		for range soakThreads {
			go func() { done <- scan(r.c, path) }()
		}
		for range soakThreads {
			result := <-done
			assert.Equal(t, want, result.Verdict, "%s: %s", text, result.Text)
		}
		assert.True(t, r.c.anyUp(), text)
	}
}

func TestAClamdThatChokesOnAQuestionStillScansLargeFiles(t *testing.T) {
	large := bytes.Repeat([]byte("12345678"), 100_000/8)
	for _, fault := range []fakeclamd.Fault{{Name: "eof"}, answer("stream: Can't allocate memory ERROR")} {
		r := newRig(t, overTCP)
		fault.Skip, fault.Times = 2, 1 // the file and the first proof go well
		r.fake.Set(fault)
		result := r.scan(large, enough)
		if result.Verdict == api.Failed { // it said why, about this file
			assert.Contains(t, result.Text, "allocate memory")
			result = r.scan(large, enough)
		}
		assert.Equal(t, api.OK, result.Verdict, result.Text)
	}
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

func TestAllOfAFileIsRead(t *testing.T) {
	stop, deadline := stopper{context.Background(), &atomic.Bool{}}, time.Now().Add(enough)
	buf := make([]byte, bufferSize)
	for _, size := range []int{1, 5, bufferSize, readAtOnce, readAtOnce + 1, 3*readAtOnce - 1} {
		fd, state, err := openFile(write(t, "sample", make([]byte, size)))
		require.NoError(t, err)
		assert.NoError(t, readable(stop, fd, state.size, buf, deadline), "%d bytes", size)
		assert.ErrorIs(t, readable(stop, fd, state.size+1, buf, deadline), errChanged, "%d bytes", size)
		assert.ErrorIs(t, readable(stop, fd, state.size, buf, time.Now()), errDeadline)
		closeFile(fd)
	}
}

func TestADescriptorThatDoesNotArriveIsReplacedByAStream(t *testing.T) {
	r := newRig(t, overUnix)
	for _, content := range [][]byte{harmless, testvirus.EICAR()} {
		r.c.servers[0].fildes.Store(true)
		want := map[bool]api.Verdict{true: api.OK, false: api.VirusFound}[bytes.Equal(content, harmless)]
		r.spoilt(fakeclamd.Fault{Name: "reply", Text: noDescriptorText + " ERROR", Times: 1}, content, want)
		assert.False(t, r.c.servers[0].fildes.Load())
	}
	assert.Contains(t, r.log.String(), "INSTREAM")
}

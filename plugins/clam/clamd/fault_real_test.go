package clamd

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/clamdtest"
	"github.com/avirkit/avirkit/plugins/clam/fakeclamd"
	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

// patient gives a real clamd the time to start again within a scan.
func patient(c *Client) {
	c.times.silence = enough
}

func killed(t *testing.T) {
	real := clamdtest.Start(t, nil)
	for _, address := range []string{real.Addr, real.Socket} {
		log := &logLines{}
		c := startQuick(t, address, log, patient)
		// A process that is stopped has the scan for as long as we want.
		require.NoError(t, real.Pause())
		pending := background(c, write(t, "sample", testvirus.EICAR()))
		eventually(t, "the scan is under way", c.isScanning)
		require.NoError(t, real.Kill())
		require.NoError(t, real.Start())
		result := await(t, pending)
		assert.Equal(t, api.VirusFound, result.Verdict, result.Text)
		require.NoError(t, real.Kill())
		assert.Equal(t, api.Failed, timedScan(t, c, write(t, "sample", harmless), brief).Verdict, "it doesn't come back")
		require.NoError(t, real.Start())
		c.Close()
	}
}

func reloaded(t *testing.T) {
	for _, concurrent := range []string{"yes", "no"} {
		// Without concurrency clamd is deaf until its idle threads have ended.
		real := clamdtest.Start(t, map[string]string{"ConcurrentDatabaseReload": concurrent, "IdleTimeout": "1"})
		log := &logLines{}
		c := startQuick(t, real.Addr+","+real.Socket, log, func(c *Client) {
			patient(c)
		})
		bad, good := write(t, "bad", large()), write(t, "good", harmless)
		for range 2 {
			pending := background(c, bad)
			eventually(t, "the scan is under way", c.isScanning)
			require.NoError(t, real.Reload())
			assert.Equal(t, api.OK, timedScan(t, c, good, enough).Verdict)
			assert.Equal(t, api.VirusFound, (<-pending).Verdict)
		}
	}
}

func deadEngine(t *testing.T) {
	fake := clamdtest.StartFake(t)
	fake.Set(fakeclamd.Fault{Name: "dead-engine"})
	for _, address := range []string{fake.Addr, fake.Socket} {
		c := newQuick(t, address, &logLines{})
		begin := time.Now()
		err := c.Start()
		require.ErrorIs(t, err, errUnfit, "at the start")
		assert.ErrorContains(t, err, address)
		assert.Less(t, time.Since(begin), slack)
	}
	// Later: after a restart at once, and else after the next self-test.
	for _, hangUp := range []bool{true, false} {
		r := newRigWith(t, overTCP, func(c *Client) { c.SelfTest = selfTestInterval })
		r.connect()
		r.fake.Set(fakeclamd.Fault{Name: "dead-engine"})
		if hangUp {
			r.fake.Hangup()
		} else {
			r.isFoundOut()
		}
		for _, content := range [][]byte{harmless, testvirus.EICAR()} {
			result := r.scan(content, enough)
			assert.Equal(t, api.Failed, result.Verdict)
			assert.Contains(t, result.Text, "test virus")
		}
		r.fake.Set(fakeclamd.Fault{})
		r.isVirus()
	}
}

func noTemporaryDirectory(t *testing.T) {
	real := clamdtest.Start(t, nil)
	c := startQuick(t, real.Socket, &logLines{}, func(c *Client) { c.Mode, c.SelfTest = Fildes, selfTestInterval })
	archive := write(t, "eicar.zip", zipOf(t, testvirus.EICAR()))
	assert.Equal(t, api.VirusFound, timedScan(t, c, archive, enough).Verdict)
	require.NoError(t, os.RemoveAll(real.TmpDir))
	isFoundOut(t, c)
	assert.Equal(t, api.Failed, timedScan(t, c, archive, brief).Verdict)
	assert.Equal(t, api.Failed, timedScan(t, c, write(t, "sample", harmless), brief).Verdict)
	for mode, problem := range map[Mode]string{
		Auto:     "TemporaryDirectory",
		Fildes:   "TemporaryDirectory",
		Instream: real.Socket, // clamd hangs up without a word
	} {
		late := newQuick(t, real.Socket, &logLines{})
		late.Mode, late.StartupTimeout = mode, time.Second
		assert.ErrorContains(t, late.Start(), problem, "at the start with mode %s", mode)
	}
	require.NoError(t, os.Mkdir(real.TmpDir, 0o755))
	assert.Equal(t, api.VirusFound, timedScan(t, c, archive, enough).Verdict)
}

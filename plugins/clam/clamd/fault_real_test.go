package clamd

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/clamdtest"
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
		pending := background(c, write(t, "sample", eicar()))
		eventually(t, "the scan is under way", c.scanning)
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
			c.MaxFileSize = int64(len(large()))
		})
		bad, good := write(t, "bad", large()), write(t, "good", harmless)
		for range 2 {
			pending := background(c, bad)
			eventually(t, "the scan is under way", c.scanning)
			require.NoError(t, real.Reload())
			assert.Equal(t, api.OK, timedScan(t, c, good, enough).Verdict)
			assert.Equal(t, api.VirusFound, (<-pending).Verdict)
		}
	}
}

func deadEngine(t *testing.T) {
	fake := clamdtest.StartFake(t)
	fake.Set(clamdtest.Fault{Name: "dead-engine"})
	for _, address := range []string{fake.Addr, fake.Socket} {
		c := newQuick(t, address, &logLines{})
		begin := time.Now()
		err := c.Start()
		require.ErrorIs(t, err, errUnfit, "at the start")
		assert.ErrorContains(t, err, address)
		assert.Less(t, time.Since(begin), slack)
	}
	// Later: after a restart, and without one.
	r := newRig(t, overTCP)
	r.fake.Set(clamdtest.Fault{Name: "dead-engine"})
	r.fake.Hangup()
	result := r.scan(harmless, enough)
	assert.Equal(t, api.Failed, result.Verdict)
	assert.Contains(t, result.Text, "test virus")
	r.fake.Set(clamdtest.Fault{})
	r.isVirus()

	log := &logLines{}
	c := startQuick(t, r.fake.Addr, log, func(c *Client) { c.times.canary = 50 * time.Millisecond })
	path := write(t, "sample", harmless)
	r.fake.Set(clamdtest.Fault{Name: "dead-engine"})
	eventually(t, "the test virus is sent from time to time", func() bool {
		return timedScan(t, c, path, brief).Verdict == api.Failed
	})
	assert.Contains(t, log.String(), "marked down")
}

func noTemporaryDirectory(t *testing.T) {
	real := clamdtest.Start(t, nil)
	log := &logLines{}
	c := startQuick(t, real.Socket, log, func(c *Client) {
		c.Mode = Fildes
		c.times.canary = 50 * time.Millisecond
	})
	archive := write(t, "eicar.zip", zipOf(t, clamdtest.EICAR()))
	assert.Equal(t, api.VirusFound, timedScan(t, c, archive, enough).Verdict)
	require.NoError(t, os.RemoveAll(real.TmpDir))
	eventually(t, "the test virus is sent from time to time", func() bool {
		return timedScan(t, c, write(t, "sample", harmless), brief).Verdict == api.Failed
	})
	for _, mode := range []Mode{Auto, Fildes, Instream} {
		late := newQuick(t, real.Socket, &logLines{})
		late.Mode = mode
		err := late.Start()
		require.Error(t, err, "at the start with mode %s", mode)
		assert.ErrorContains(t, err, "test virus")
	}
	require.NoError(t, os.Mkdir(real.TmpDir, 0o755))
	assert.Equal(t, api.VirusFound, timedScan(t, c, archive, enough).Verdict)
}

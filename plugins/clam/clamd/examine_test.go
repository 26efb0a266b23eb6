package clamd

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/clamdtest"
)

func TestSettingsThatMakeAnOKUnreliableAreWarnedAbout(t *testing.T) {
	for _, c := range []struct {
		setting, value, warning string
	}{
		{"AlertEncrypted", "no", "set AlertEncrypted yes"},
		{"AlertExceedsMax", "no", "set AlertExceedsMax yes"},
	} {
		real := clamdtest.Start(t, map[string]string{c.setting: c.value})
		for _, address := range []string{real.Addr, real.Socket} {
			log := &logLines{}
			startQuick(t, address, log, nil)
			assert.Contains(t, log.String(), c.warning)
		}
	}
}

func TestTheLimitIsLoweredToWhatClamdReallyScans(t *testing.T) {
	real := clamdtest.Start(t, map[string]string{"MaxFileSize": "3M", "AlertExceedsMax": "no"})
	infected := write(t, "infected", append(make([]byte, 5<<20), eicar()...))
	fits := write(t, "fits", append(make([]byte, 1<<20), eicar()...))
	for _, address := range []string{real.Addr, real.Socket} {
		log := &logLines{}
		c := start(t, config(t, address, log))
		assert.Contains(t, log.String(), "larger ones are not sent")
		assert.LessOrEqual(t, limitOf(c), int64(3<<20))
		assert.Equal(t, api.Impossible, scan(c, infected).Verdict, "clamd would say OK")
		assert.Equal(t, api.VirusFound, scan(c, fits).Verdict)
	}
}

func TestALimitThatClamdTellsByItselfIsLeftAlone(t *testing.T) {
	real := clamdtest.Start(t, map[string]string{"MaxFileSize": "3M"})
	log := &logLines{}
	c := start(t, config(t, real.Addr, log))
	assert.EqualValues(t, 25<<20, limitOf(c))
	assert.Equal(t, api.Impossible, scan(c, write(t, "large", make([]byte, 5<<20))).Verdict)
	assert.NotContains(t, log.String(), "WRN")
}

func TestAnArchiveThatIsNotOpenedKeepsTheAntivirusFromStarting(t *testing.T) {
	real := clamdtest.Start(t, map[string]string{"ScanArchive": "no"})
	err := New(config(t, real.Addr, &logLines{})).Start()
	require.ErrorIs(t, err, errUnfit)
	assert.ErrorContains(t, err, "ScanArchive")
}

func TestStartWaitsForAClamdThatIsNotThereYet(t *testing.T) {
	real := clamdtest.Start(t, nil)
	require.NoError(t, real.Stop())
	started := make(chan error, 1)
	cfg := config(t, real.Addr, &logLines{})
	cfg.StartupTimeout = time.Minute
	c := New(cfg)
	go func() { started <- c.Start() }()
	require.NoError(t, real.Start())
	require.NoError(t, <-started)
	c.Close()

	require.NoError(t, real.Stop())
	cfg.StartupTimeout = 300 * time.Millisecond
	begin := time.Now()
	err := New(cfg).Start()
	assert.ErrorContains(t, err, "connection refused")
	assert.ErrorContains(t, err, real.Addr)
	assert.Less(t, time.Since(begin), slack)
}

func TestTheAgeOfTheDatabaseIsRead(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	age, known := databaseAge("ClamAV 1.4.6/27500/Sun Nov 15 12:00:00 2026", now)
	assert.True(t, known)
	assert.Equal(t, 7*24*time.Hour, age)
	for _, version := range []string{"ClamAV 1.4.6", "", "a/b/c", "ClamAV 1.4.6/27500/"} {
		_, known := databaseAge(version, now)
		assert.False(t, known, version)
	}
}

func TestIdleSessionsAreKeptAliveAndThenGivenUp(t *testing.T) {
	log := &logLines{}
	fake := clamdtest.StartFake(t)
	c := startQuick(t, fake.Addr, log, func(c *Client) { c.times.giveUp = 2 * time.Second })
	path := write(t, "sample", eicar())
	assert.Equal(t, api.VirusFound, timedScan(t, c, path, enough).Verdict)
	accepted := fake.Accepted()
	eventually(t, "an idle session sends PINGs", func() bool { return fake.Pings() > 2 })
	assert.Equal(t, accepted, fake.Accepted(), "and lives on")
	eventually(t, "idle sessions don't stay in clamd's queue", func() bool { return fake.Open() == 0 })
	assert.Equal(t, api.VirusFound, timedScan(t, c, path, enough).Verdict, "reopened on demand")
	assert.NotContains(t, log.String(), "WRN")
}

package clamd

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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

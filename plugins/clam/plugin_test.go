package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/clamd"
	"github.com/avirkit/avirkit/plugins/clam/clamdtest"
	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

// parse reads options that differ from the defaults and returns the log too.
func parse(t *testing.T, changes map[string]string) (clamd.Config, string) {
	t.Helper()
	cfg := api.NewConfig(options)
	for name, value := range changes {
		var known bool
		cfg, known = cfg.With(name, value)
		require.True(t, known, name)
	}
	var lines []string
	c, err := parseOptions(cfg, api.NewLogger(func(line string) { lines = append(lines, line) }))
	require.NoError(t, err)
	c.Log = nil
	return c, strings.Join(lines, "\n")
}

// defaults are what the options mean as they are.
func defaults() clamd.Config {
	return clamd.Config{
		Servers:        []clamd.Address{{Network: "tcp", Addr: "127.0.0.1:3310"}},
		Mode:           clamd.Auto,
		StartupTimeout: 90 * time.Second,
		ScanTimeout:    180 * time.Second,
		SelfTest:       600 * time.Second,
		MaxFileSize:    100 << 20,
		OnLimit:        api.Impossible,
		OnEncrypted:    api.Impossible,
	}
}

func TestThePluginDescribesItselfWithinTheHostsLimits(t *testing.T) {
	old := version
	defer func() { version = old }()
	version = "10.11.12-rc.13+meta.too.long"
	info := (&plugin{}).Info()
	require.NoError(t, api.Validate(info))
	assert.Contains(t, info.Description(), "ClamAV")
	assert.Contains(t, info.Description(), "10.11.12")
	assert.True(t, info.Inline)
}

func TestOptionsMeanWhatTheREADMESays(t *testing.T) {
	got, log := parse(t, nil)
	assert.Equal(t, defaults(), got)
	assert.Empty(t, log)

	got, log = parse(t, map[string]string{
		"address": "a:1, /run/clamd.ctl ,b", "PORT": "99", "startuptimeout": "10", "ScanTimeout": "3600",
		"MaxFileSize": "2g", "Mode": "FILDES", "OnLimit": "virus", "OnEncrypted": "Failed", "LogLevel": "error",
	})
	want := defaults()
	want.Servers = []clamd.Address{{Network: "tcp", Addr: "a:1"}, {Network: "unix", Addr: "/run/clamd.ctl"}, {Network: "tcp", Addr: "b:99"}}
	want.StartupTimeout, want.ScanTimeout, want.MaxFileSize = 10*time.Second, time.Hour, 2<<30
	want.Mode, want.OnLimit, want.OnEncrypted = clamd.Fildes, api.VirusFound, api.Failed
	assert.Equal(t, want, got)
	assert.Empty(t, log, "the level is error")
}

func TestAWrongValueIsReplacedWithAWarningThatNamesTheOption(t *testing.T) {
	type config = clamd.Config
	for _, c := range []struct {
		name, value string
		change      func(*config)
	}{
		{"Address", "good,-", func(c *config) { c.Servers[0].Addr = "good:3310" }},
		{"Port", "0", nil},
		{"Port", "65536", nil},
		{"Port", "http", nil},
		{"StartupTimeout", "9", func(c *config) { c.StartupTimeout = 10 * time.Second }},
		{"StartupTimeout", "101", func(c *config) { c.StartupTimeout = 100 * time.Second }},
		{"StartupTimeout", "-9223372036854775809", func(c *config) { c.StartupTimeout = 10 * time.Second }},
		{"StartupTimeout", "9223372036854775807", func(c *config) { c.StartupTimeout = 100 * time.Second }},
		{"StartupTimeout", "soon", nil},
		{"ScanTimeout", "1", func(c *config) { c.ScanTimeout = 5 * time.Second }},
		{"ScanTimeout", "3601", func(c *config) { c.ScanTimeout = time.Hour }},
		{"ScanTimeout", "1.5", nil},
		{"MaxFileSize", "0", nil},
		{"MaxFileSize", "-1", nil},
		{"MaxFileSize", "4G", nil},
		{"MaxFileSize", "9999999999G", nil},
		{"MaxFileSize", "10T", nil},
		{"MaxFileSize", "", nil},
		{"Mode", "scan", nil},
		{"Mode", "fildes", func(c *config) { c.Mode = clamd.Fildes }}, // for TCP
		{"SelfTest", "9", func(c *config) { c.SelfTest = 10 * time.Second }},
		{"SelfTest", "86401", func(c *config) { c.SelfTest = 24 * time.Hour }},
		{"Names", "PUA.*=allow,Heuristics.Phishing.*=ok", func(c *config) { c.Names = []clamd.NameRule{{Pattern: "Heuristics.Phishing.*", Verdict: api.OK}} }},
		{"OnLimit", "ok", nil},
		{"OnEncrypted", "ignore", nil},
		{"LogLevel", "loud", nil},
	} {
		got, log := parse(t, map[string]string{c.name: c.value})
		want := defaults()
		if c.change != nil {
			c.change(&want)
		}
		assert.Equal(t, want, got, "%s=%s", c.name, c.value)
		assert.Contains(t, log, "WRN: option "+c.name+":", "%s=%s", c.name, c.value)
	}
}

func TestAPartlyWrongAddressSaysWhatIsUsed(t *testing.T) {
	_, log := parse(t, map[string]string{"Address": "good,300.1.1.1,b:0"})
	assert.Contains(t, log, `good:3310 is used: server "300.1.1.1": not an IPv4 address; server "b:0": port`)
}

func TestAnAddressThatNamesNoServerKeepsTheAntivirusFromStarting(t *testing.T) {
	for _, address := range []string{"", " ; ,", "300.1.1.1", "unix:run/clamd.ctl", "host:port", "tcp:///run/clamd.ctl"} {
		cfg, _ := api.NewConfig(options).With("Address", address)
		p := &plugin{}
		err := p.Init(cfg, api.NewLogger(func(string) {}))
		assert.ErrorContains(t, err, "option Address: ", address)
		assert.NotContains(t, err.Error(), "127.0.0.1", "no other clamd than the chosen one is asked")
		_, err = p.NewScanner()
		assert.Error(t, err, "nothing scans")
	}
}

func TestSizesHaveUnits(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1, "500K": 500 << 10, "500kb": 500 << 10, "25 M": 25 << 20, "3G": 3 << 30, "4294967295": 4<<30 - 1, "123B": 123,
	} {
		got, ok := parseSize(text)
		assert.True(t, ok, text)
		assert.Equal(t, want, got, text)
	}
}

func TestThePluginScansAfterEveryInit(t *testing.T) {
	fake := clamdtest.StartFake(t)
	p := &plugin{}
	_, err := p.NewScanner()
	assert.Error(t, err, "before Init")
	infected, harmless := filepath.Join(t.TempDir(), "infected"), filepath.Join(t.TempDir(), "harmless")
	require.NoError(t, os.WriteFile(infected, testvirus.EICAR(), 0o600))
	require.NoError(t, os.WriteFile(harmless, []byte("nothing bad in here"), 0o600))
	for range 3 {
		cfg, _ := api.NewConfig(options).With("Address", fake.Socket)
		require.NoError(t, p.Init(cfg, api.NewLogger(func(line string) { t.Log(line) })))
		s, err := p.NewScanner()
		require.NoError(t, err)
		for path, want := range map[string]api.Verdict{
			infected: api.VirusFound, harmless: api.OK, harmless + ".missing": api.Failed, fake.Socket: api.Failed,
		} {
			result := s.Scan(context.Background(), api.File{Path: path})
			assert.Equal(t, want, result.Verdict, "%s: %s", path, result.Text)
		}
		require.NoError(t, s.Close())
		require.NoError(t, p.Close())
		assert.Eventually(t, func() bool { return fake.Open() == 0 }, 20*time.Second, time.Millisecond)
	}
	require.NoError(t, p.Close(), "once more")
}

func TestTheStatusFileLivesFromInitToClose(t *testing.T) {
	fake := clamdtest.StartFake(t)
	path := filepath.Join(t.TempDir(), "avirkit.prom")
	cfg, _ := api.NewConfig(options).With("Address", fake.Addr)
	cfg, _ = cfg.With("StatusFile", path)
	p := &plugin{}
	require.NoError(t, p.Init(cfg, api.NewLogger(func(string) {})))
	holds := func(text string) func() bool {
		return func() bool {
			got, _ := os.ReadFile(path)
			return strings.Contains(string(got), text)
		}
	}
	require.Eventually(t, holds(`avirkit_server_up{server="`+fake.Addr+`"} 1`), 20*time.Second, 10*time.Millisecond, "the server is up")
	s, err := p.NewScanner()
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "missing")
	assert.Equal(t, api.Failed, s.Scan(context.Background(), api.File{Path: file}).Verdict)
	fake.Close()
	require.NoError(t, os.WriteFile(file, []byte("clean"), 0o600))
	assert.Equal(t, api.Failed, s.Scan(timeLimit(t), api.File{Path: file}).Verdict, "clamd is gone")
	require.Eventually(t, holds(`avirkit_server_up{server="`+fake.Addr+`"} 0`), 20*time.Second, 10*time.Millisecond, "the server is down")
	assert.True(t, holds(`avirkit_scans_total{verdict="failed"} 1`)() || holds(`avirkit_scans_total{verdict="failed"} 2`)())
	require.NoError(t, s.Close())
	require.NoError(t, p.Close())
	assert.NoFileExists(t, path)
}

func TestAStatusFileWithoutAnAbsolutePathIsRefused(t *testing.T) {
	var log []string
	cfg, _ := api.NewConfig(options).With("StatusFile", "status.prom")
	assert.Empty(t, statusPath(cfg, api.NewLogger(func(line string) { log = append(log, line) })))
	require.Len(t, log, 1)
	assert.Contains(t, log[0], `option StatusFile: value "status.prom": not an absolute path; none is used`)
}

// timeLimit ends a scan that no server answers.
func timeLimit(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	t.Cleanup(cancel)
	return ctx
}

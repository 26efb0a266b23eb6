package status

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const text = `# HELP avirkit_plugin_info 1, with the plugin's version
# TYPE avirkit_plugin_info gauge
avirkit_plugin_info{version="1.0.0"} 1
# TYPE avirkit_start_time_seconds gauge
avirkit_start_time_seconds 1.7e9
# TYPE avirkit_scans_total counter
avirkit_scans_total{verdict="ok"} 8
avirkit_scans_total{verdict="virus"} 2
# TYPE avirkit_scanned_bytes_total counter
avirkit_scanned_bytes_total 5e6
# TYPE avirkit_scan_duration_seconds histogram
avirkit_scan_duration_seconds_bucket{le="0.001"} 4
avirkit_scan_duration_seconds_bucket{le="0.01"} 5
avirkit_scan_duration_seconds_bucket{le="+Inf"} 10
avirkit_scan_duration_seconds_sum 3
avirkit_scan_duration_seconds_count 10
# TYPE avirkit_server_up gauge
avirkit_server_up{server="b:3310"} 0
avirkit_server_up{server="/run/a \"b\".ctl"} 1
# TYPE avirkit_server_database_time_seconds gauge
avirkit_server_database_time_seconds{server="b:3310"} 0
# TYPE another_metric gauge
another_metric 1
`

func TestAStatusFileIsRead(t *testing.T) {
	s, err := Parse([]byte(text))
	require.NoError(t, err)
	assert.Equal(t, "1.0.0", s.Version)
	assert.Equal(t, time.Unix(1_700_000_000, 0), s.Started)
	assert.Equal(t, map[string]float64{"ok": 8, "virus": 2}, s.Scans)
	assert.Equal(t, 10*time.Millisecond, s.Median)
	require.Len(t, s.Servers, 2)
	assert.Equal(t, Server{Name: `/run/a "b".ctl`, Up: true}, s.Servers[0])
	assert.Equal(t, Server{Name: "b:3310"}, s.Servers[1])
}

func TestWhatIsNoStatusFileIsRefused(t *testing.T) {
	for _, bad := range []string{"", "another_metric 1\n", "{", text[:len(text)-30] + "\navirkit_scans_total{"} {
		_, err := Parse([]byte(bad))
		assert.Error(t, err, bad)
	}
}

func TestTheMetricsAreThoseOfTheGuide(t *testing.T) {
	guide, err := os.ReadFile("../../../docs/administrator.md")
	require.NoError(t, err)
	const head = "| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n"
	_, table, found := strings.Cut(string(guide), head)
	require.True(t, found, "the guide has a table of the metrics")
	table, _, _ = strings.Cut(table, "\n\n")
	var want strings.Builder
	for _, m := range Metrics {
		labels := strings.ReplaceAll(m.Labels, ",", ", ")
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s |\n", m.Name, m.Type, labels, m.Help)
	}
	assert.Equal(t, want.String(), table+"\n")
}

func TestAFileWithoutALockIsAbandoned(t *testing.T) {
	path := filepath.Join(t.TempDir(), "avirkit.prom")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	f, err := Read(path)
	require.NoError(t, err)
	assert.True(t, f.Abandoned, "its plugin has ended")
	held, err := os.Open(path)
	require.NoError(t, err)
	defer held.Close()
	require.NoError(t, syscall.Flock(int(held.Fd()), syscall.LOCK_EX))
	day := time.Now().Add(-24 * time.Hour)
	require.NoError(t, os.Chtimes(path, day, day))
	f, err = Read(path)
	require.NoError(t, err)
	assert.False(t, f.Abandoned, "an old file of a plugin that has nothing to do")
	assert.WithinDuration(t, day, f.Written, time.Second)
	assert.Equal(t, "1.0.0", f.Version)
}

func TestWhatIsNoStatusFileIsToldInOneLine(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	huge := write("huge", "")
	require.NoError(t, os.Truncate(huge, 1<<40))
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o644))
	link := filepath.Join(dir, "link")
	require.NoError(t, os.Symlink(write("shadow", "root:$y$secret:1\n"), link))
	for path, want := range map[string]string{
		link:                              "links are not followed",
		filepath.Join(dir, "shadow"):      "from line 1 on",
		filepath.Join(dir, "missing"):     "is the antivirus on",
		filepath.Join(dir, "fifo"):        "not a regular file",
		dir:                               "not a regular file",
		huge:                              "larger than",
		write("empty", ""):                "no avirkit_plugin_info",
		write("garbage", "\x00\x1b[2J{{"): "Prometheus",
	} {
		_, err := Read(path)
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "\n")
		assert.NotContains(t, err.Error(), "secret")
		assert.Contains(t, err.Error(), path)
	}
}

package statusfile

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/clamd"
)

// source is a client with two servers. Each text asks once for the bytes.
type source struct {
	texts atomic.Int64

	mu      sync.Mutex
	states  []clamd.ServerState
	changed chan struct{}
}

func newSource() *source {
	return &source{changed: make(chan struct{}), states: []clamd.ServerState{
		{Name: `/run/a "quoted\" socket`, Up: true, Sessions: 3, Tested: time.Unix(1e9, 0), Passed: true, Engine: "1.4.3", Database: "27800", Made: time.Unix(1e9, 0)},
		{Name: "192.0.2.1:3310", Up: true},
	}}
}

func (s *source) Bytes() int64   { s.texts.Add(1); return 4711 }
func (s *source) Repeats() int64 { return 3 }

func (s *source) States() []clamd.ServerState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]clamd.ServerState(nil), s.states...)
}

func (s *source) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// set changes whether the second server is up, and tells.
func (s *source) set(up bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states[1].Up = up
	close(s.changed)
	s.changed = make(chan struct{})
}

// warnings collects what the file logs.
type warnings struct {
	mu    sync.Mutex
	lines []string
}

func (w *warnings) logger() *api.Logger {
	return api.NewLogger(func(line string) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.lines = append(w.lines, line)
	})
}

func (w *warnings) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lines
}

// keep begins a file in a folder of its own.
func keep(t *testing.T, s *source, every time.Duration) *File {
	t.Helper()
	f := open(filepath.Join(t.TempDir(), "avirkit.prom"), "1.2.3", s, new(warnings).logger())
	f.every = every
	f.begin()
	t.Cleanup(f.Close)
	eventually(t, "the first file", func() bool { return exists(f.path) })
	return f
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	require.Eventually(t, is, 20*time.Second, 2*time.Millisecond, what)
}

// read parses a file as Prometheus does.
func read(t *testing.T, path string) map[string]*dto.MetricFamily {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var parser expfmt.TextParser
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	require.NoError(t, err, "%s", text)
	return families
}

// scans returns how many scans a file has by verdict.
func scans(t *testing.T, path string) map[string]float64 {
	t.Helper()
	found := map[string]float64{}
	for _, m := range read(t, path)["avirkit_scans_total"].Metric {
		found[m.Label[0].GetValue()] = m.Counter.GetValue()
	}
	return found
}

// up tells whether a file says that the second server is up.
func up(t *testing.T, path string) bool {
	t.Helper()
	return read(t, path)["avirkit_server_up"].Metric[1].Gauge.GetValue() == 1
}

func TestTheFileTellsOfScansAndServers(t *testing.T) {
	f := keep(t, newSource(), time.Nanosecond)
	f.Scanned(api.OK, 4*time.Millisecond)
	f.Scanned(api.OK, time.Millisecond)
	f.Scanned(api.VirusFound, time.Hour)
	eventually(t, "three scans", func() bool { return scans(t, f.path)["virus"] == 1 })
	families := read(t, f.path)
	assert.Equal(t, map[string]float64{"ok": 2, "virus": 1, "impossible": 0, "failed": 0, "error": 0}, scans(t, f.path))
	h := families["avirkit_scan_duration_seconds"].Metric[0].Histogram
	assert.Equal(t, uint64(3), h.GetSampleCount())
	assert.InDelta(t, 3600.005, h.GetSampleSum(), 1e-6)
	assert.Equal(t, []uint64{1, 2}, []uint64{h.Bucket[0].GetCumulativeCount(), h.Bucket[1].GetCumulativeCount()})
	assert.Equal(t, uint64(2), h.Bucket[len(bounds)-1].GetCumulativeCount(), "an hour is longer than all bounds")
	server := families["avirkit_server_info"].Metric[0]
	assert.Equal(t, []string{`/run/a "quoted\" socket`, "1.4.3", "27800"}, []string{server.Label[0].GetValue(), server.Label[1].GetValue(), server.Label[2].GetValue()})
	assert.InDelta(t, 4711, families["avirkit_scanned_bytes_total"].Metric[0].Counter.GetValue(), 0)
}

func TestPromtoolFindsNothingWrong(t *testing.T) {
	f := keep(t, newSource(), time.Hour)
	text, err := os.ReadFile(f.path)
	require.NoError(t, err)
	problems, err := promlint.New(bytes.NewReader(text)).Lint()
	require.NoError(t, err)
	assert.Empty(t, problems)
}

func TestTheMetricsAreThoseOfTheGuide(t *testing.T) {
	guide, err := os.ReadFile("../../../docs/administrator.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(guide), "| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n")
	require.True(t, found, "the guide has a table of the metrics")
	table, _, _ = strings.Cut(table, "\n\n")
	families := read(t, keep(t, newSource(), time.Hour).path)
	rows := strings.Split(strings.TrimSpace(table), "\n")
	assert.Len(t, families, len(rows))
	for _, row := range rows {
		cells := strings.Split(row, "|")
		require.Len(t, cells, 6, row)
		name, kind, labels := strings.Trim(cells[1], " `"), strings.TrimSpace(cells[2]), strings.TrimSpace(cells[3])
		family := families[name]
		require.NotNil(t, family, name)
		assert.Equal(t, kind, strings.ToLower(family.GetType().String()), name)
		var has []string
		for _, l := range family.Metric[0].Label {
			has = append(has, l.GetName())
		}
		assert.Equal(t, labels, strings.Join(has, ", "), name)
	}
}

func TestAServerThatGoesDownIsWrittenAtOnceAndScansAreNot(t *testing.T) {
	s := newSource()
	f := keep(t, s, time.Hour)
	for range 10 {
		f.Scanned(api.OK, time.Millisecond)
	}
	s.set(false)
	eventually(t, "the server is down", func() bool { return !up(t, f.path) })
	assert.Equal(t, int64(2), s.texts.Load(), "one file at the start, one for the server, none for ten scans")
	assert.InDelta(t, 10, scans(t, f.path)["ok"], 0)
	s.set(true)
	eventually(t, "the server is back", func() bool { return up(t, f.path) })
	assert.Equal(t, int64(3), s.texts.Load())
}

func TestScansAreWrittenWhenTheTimeHasCome(t *testing.T) {
	s := newSource()
	const every = 300 * time.Millisecond
	f := keep(t, s, every)
	begin := time.Now()
	f.Scanned(api.OK, time.Millisecond)
	f.Scanned(api.OK, time.Millisecond)
	eventually(t, "the scans", func() bool { return scans(t, f.path)["ok"] == 2 })
	assert.Equal(t, int64(2), s.texts.Load(), "both scans came into one file")
	assert.Greater(t, time.Since(begin), every/2)
	before := s.texts.Load()
	assert.Never(t, func() bool { return s.texts.Load() > before }, 3*every, every/10, "nothing happens, and nothing is written")
}

func TestAScanAllocatesNothing(t *testing.T) {
	f := keep(t, newSource(), time.Hour)
	assert.Zero(t, testing.AllocsPerRun(100, func() { f.Scanned(api.OK, time.Millisecond) }))
	var none *File
	none.Scanned(api.OK, time.Millisecond)
	none.Close()
}

func TestAReaderNeverSeesHalfAFile(t *testing.T) {
	s := newSource()
	f := keep(t, s, time.Nanosecond)
	end := make(chan struct{})
	var threads sync.WaitGroup
	for range 8 {
		threads.Add(1)
		go func() {
			defer threads.Done()
			for {
				select {
				case <-end:
					return
				default:
					f.Scanned(api.OK, time.Microsecond)
				}
			}
		}()
	}
	last := 0.0
	for i := range 200 {
		s.set(i%2 == 0)
		families := read(t, f.path)
		require.Len(t, families, 12)
		h := families["avirkit_scan_duration_seconds"].Metric[0].Histogram
		require.Equal(t, h.GetSampleCount(), h.Bucket[len(h.Bucket)-1].GetCumulativeCount())
		now := families["avirkit_scans_total"].Metric[0].Counter.GetValue()
		require.GreaterOrEqual(t, now, last, "a counter never goes back")
		last = now
	}
	close(end)
	threads.Wait()
	assert.Greater(t, s.texts.Load(), int64(10))
}

func TestAllMayReadTheFileWhateverTheUmask(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	f := keep(t, newSource(), time.Hour)
	info, err := os.Stat(f.path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o644), info.Mode())
}

func TestALinkBesideTheFileIsNotFollowed(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "other")
	require.NoError(t, os.WriteFile(other, []byte("precious"), 0o600))
	path := filepath.Join(dir, "avirkit.prom")
	require.NoError(t, os.Symlink(other, path+".new"))
	f := Open(path, "1", newSource(), new(warnings).logger())
	eventually(t, "the file", func() bool { return exists(path) })
	f.Close()
	text, err := os.ReadFile(other)
	require.NoError(t, err)
	assert.Equal(t, "precious", string(text))
	assert.NoFileExists(t, path, "Close removes it")
	assert.NoFileExists(t, path+".new")
}

func TestAFolderThatIsMissingIsOneWarning(t *testing.T) {
	s, w := newSource(), new(warnings)
	dir := filepath.Join(t.TempDir(), "later")
	f := open(filepath.Join(dir, "avirkit.prom"), "1", s, w.logger())
	f.every = time.Nanosecond
	f.begin()
	defer f.Close()
	for i := range 5 {
		s.set(i%2 == 0)
		eventually(t, "another try", func() bool { return s.texts.Load() == 0 && len(w.all()) > 0 })
	}
	require.Len(t, w.all(), 1)
	assert.Contains(t, w.all()[0], "option StatusFile")
	require.NoError(t, os.Mkdir(dir, 0o755))
	f.Scanned(api.OK, time.Millisecond)
	eventually(t, "the file, once there is a folder", func() bool { return exists(f.path) })
}

func TestTheLockTellsWhetherThePluginLives(t *testing.T) {
	s := newSource()
	f := keep(t, s, time.Nanosecond)
	free := func() bool {
		for {
			file, err := os.Open(f.path)
			require.NoError(t, err)
			free := syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil
			opened, err := file.Stat()
			require.NoError(t, err)
			require.NoError(t, file.Close())
			now, err := os.Stat(f.path)
			require.NoError(t, err)
			if os.SameFile(opened, now) { // else it was replaced meanwhile, and nobody holds the old one
				return free
			}
		}
	}
	for i := range 50 {
		s.set(i%2 == 0)
		require.False(t, free(), "each new file has it")
	}
	eventually(t, "all files", func() bool { return up(t, f.path) == s.States()[1].Up })
	kept := f.path + ".kept" // as the file of a process that was killed
	require.NoError(t, os.Link(f.path, kept))
	f.Close()
	f.path, f.closed = kept, make(chan struct{})
	assert.True(t, free(), "nobody has it when the plugin has ended")
}

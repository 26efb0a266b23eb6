// Package apitest checks a plugin from its own Go tests, without a host and
// without C:
//
//	func TestPlugin(t *testing.T) { apitest.Check(t, &plugin{}) }
//
// It drives the plugin through the same code as the library does.
package apitest

import (
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/api/internal/lifecycle"
)

// rounds is how often Check goes through init and close: more than once, so
// that what Close leaves behind shows.
const rounds = 3

// threads scan at once in each round, as in the host.
const threads = 4

// Check fails t unless plugin keeps the rules that every host relies on: its
// Info is valid and constant; it starts with its default options, changed by
// set; several threads get scanners and use them at once; a missing file is
// never clean and never a reason to restart the host; everything closes, can
// be started again, and leaves no goroutine. It returns all log lines.
//
// The plugin must be able to start, so what it needs, such as a server, must
// be there, and set must name it.
func Check(t testing.TB, plugin api.Plugin, set ...api.Setting) []string {
	t.Helper()
	info := plugin.Info()
	if err := api.Validate(info); err != nil {
		t.Fatalf("Info: %v", err)
	}
	if !reflect.DeepEqual(info, plugin.Info()) {
		t.Errorf("Info: a second call answers differently")
	}
	library := lifecycle.New(plugin)
	for _, setting := range set {
		if !library.Set(setting.Name, setting.Value) {
			t.Fatalf("the plugin has no option %q", setting.Name)
		}
	}
	log := &log{}
	before := runtime.NumGoroutine()
	for round := 1; round <= rounds; round++ {
		if err := library.Init(log); err != nil {
			t.Fatalf("Init, round %d: %v", round, err)
		}
		scanMissing(t, library)
		if err := library.Close(); err != nil {
			t.Errorf("Close, round %d: %v", round, err)
		}
		if round == 1 {
			before = settle(before, time.Second) // what is started once may stay
		}
	}
	if n := settle(before, 5*time.Second); n > before {
		t.Errorf("each Close leaves goroutines behind: %d after the first round, %d after %d rounds", before, n, rounds)
	}
	for _, line := range log.lines {
		if strings.Contains(line, "panicked") {
			t.Errorf("log: %s", line)
		}
	}
	return log.lines
}

// scanMissing scans a file that isn't there on several threads.
func scanMissing(t testing.TB, library *lifecycle.Library) {
	missing := filepath.Join(t.TempDir(), "nonexisting.file")
	var group sync.WaitGroup
	for range threads {
		group.Add(1)
		go func() {
			defer group.Done()
			thread, err := library.NewThread()
			if err != nil {
				t.Errorf("NewScanner: %v", err)
				return
			}
			for range 2 {
				result := thread.Scan(api.File{Path: missing, RealName: "nonexisting.file"})
				if result.Verdict != api.Failed {
					t.Errorf("Scan of a missing file: %v %q, want FAILED", result.Verdict, result.Text)
				}
			}
			if err := thread.Close(); err != nil {
				t.Errorf("Scanner.Close: %v", err)
			}
		}()
	}
	group.Wait()
}

// settle waits for ending goroutines and returns how many are left.
func settle(want int, patience time.Duration) int {
	n := runtime.NumGoroutine()
	for end := time.Now().Add(patience); n > want && time.Now().Before(end); n = runtime.NumGoroutine() {
		time.Sleep(time.Millisecond)
	}
	return n
}

// log keeps what is logged while the plugin runs.
type log struct {
	mu    sync.Mutex
	open  bool
	lines []string
}

func (l *log) Open()  { l.set(true) }
func (l *log) Close() { l.set(false) }

func (l *log) set(open bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = open
}

func (l *log) Write(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open {
		l.lines = append(l.lines, line)
	}
}

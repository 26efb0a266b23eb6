package targets

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/versions"
)

// module writes a Go module with one test file and runs it as a suite.
func module(t *testing.T, test string, env ...string) (tally, string, error) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module m\n\ngo 1.23\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "m_test.go"), []byte("package m\n\n"+test), 0o644))
	var b bytes.Buffer
	old := run.Out
	run.Out = &b
	t.Cleanup(func() { run.Out = old })
	total, err := suite{module: ".", env: env}.run(context.Background(), dir)
	return total, b.String(), err
}

func TestASuiteCountsItsTests(t *testing.T) {
	total, out, err := module(t, `import "testing"
func TestA(t *testing.T) { t.Run("sub", func(*testing.T) {}) }
func TestB(t *testing.T) { t.Skip("for a reason") }
`)
	require.NoError(t, err)
	assert.Equal(t, "2 passed, 0 failed, 1 skipped", total.String())
	assert.Contains(t, out, "=== SKIP: m TestB")
	assert.Contains(t, out, "for a reason")
}

func TestASuiteShowsWhatFailed(t *testing.T) {
	total, out, err := module(t, `import "testing"
func TestA(t *testing.T) {}
func TestB(t *testing.T) { t.Error("went wrong") }
`)
	require.ErrorContains(t, err, "1 tests or packages failed")
	assert.Equal(t, "1 passed, 1 failed, 0 skipped", total.String())
	assert.Contains(t, out, "=== FAIL: m TestB")
	assert.Contains(t, out, "went wrong")
}

func TestTheTestsThatTookLongestAreNamed(t *testing.T) {
	one, _, err := module(t, `import ("testing"; "time")
func TestA(t *testing.T) {}
func TestB(t *testing.T) { t.Run("sub", func(*testing.T) { time.Sleep(300 * time.Millisecond) }) }
`)
	require.NoError(t, err)
	var total tally
	total.add(one)
	total.add(one)
	lines := total.longest()
	require.Len(t, lines, 4, "a subtest's time is part of its test's")
	assert.Regexp(t, `^ +0\.[3-9] s m TestB$`, lines[0])
	assert.Regexp(t, ` m TestA$`, lines[3])
	for range 10 {
		total.add(one)
	}
	assert.Len(t, total.longest(), 10)
}

func TestASuiteThatRunsNothingFails(t *testing.T) {
	_, _, err := module(t, "")

	assert.ErrorContains(t, err, "no test ran")
}

func TestASuiteThatDoesNotCompileFails(t *testing.T) {
	_, out, err := module(t, "func broken() { undefined() }\n")

	require.Error(t, err)
	assert.Contains(t, out, "undefined")

	_, _, err = module(t, "func broken() { undefined() }\n", "GOTOOLCHAIN="+versions.TargetGo)
	assert.ErrorContains(t, err, "undefined: undefined", "where the events of go test lack it")
}

func TestASuiteThatDiesFails(t *testing.T) {
	_, out, err := module(t, `import ("os"; "testing")
func TestA(t *testing.T) {}
func TestB(t *testing.T) { os.Exit(1) }
`)
	require.Error(t, err)
	assert.Contains(t, out, "=== FAIL: m TestB")
}

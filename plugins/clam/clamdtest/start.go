package clamdtest

import (
	"os"
	"testing"
)

// Need skips the test on a machine without clamd, or fails it if CI=true.
func Need(tb testing.TB) {
	tb.Helper()
	_, err := Binary()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		tb.Fatal(err)
	default:
		tb.Skip("NOT TESTED: ", err)
	}
}

// Start starts a real clamd for a test and stops it when the test ends. See
// New for config and Need for a machine without clamd.
func Start(tb testing.TB, config map[string]string) *Clamd {
	tb.Helper()
	Need(tb)
	// Not tb.TempDir: that path holds the test's name, and can be too long
	// for a unix socket.
	dir, err := os.MkdirTemp("", "clamd")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	c, err := New(dir, config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.Stop(); err != nil {
			tb.Error(err)
		}
		if tb.Failed() {
			tb.Logf("clamd's output:\n%s", c.Output())
		}
	})
	return c
}

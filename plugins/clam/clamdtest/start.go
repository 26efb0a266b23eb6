package clamdtest

import (
	"os"
	"testing"

	"github.com/avirkit/avirkit/plugins/clam/fakeclamd"
	"github.com/avirkit/avirkit/plugins/clam/realclamd"
)

// Need skips the test on a machine without clamd, or fails it if CI=true.
func Need(tb testing.TB) {
	tb.Helper()
	_, err := realclamd.Binary()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		tb.Fatal(err)
	default:
		tb.Skip("NOT TESTED: ", err)
	}
}

// Start starts a real clamd for a test and stops it when the test ends. See
// realclamd.New for config and Need for a machine without clamd.
func Start(tb testing.TB, config map[string]string) *realclamd.Clamd {
	tb.Helper()
	Need(tb)
	// Not tb.TempDir: that path holds the test's name, and can be too long
	// for a unix socket.
	dir, err := os.MkdirTemp("", "clamd")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	c, err := realclamd.New(dir, config)
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

// StartFake starts a fake clamd with both kinds of socket for a test.
func StartFake(tb testing.TB) *fakeclamd.Server {
	tb.Helper()
	dir, err := os.MkdirTemp("", "fakeclamd")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	f, err := fakeclamd.New("127.0.0.1:0", dir+"/clamd.sock")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(f.Close)
	return f
}

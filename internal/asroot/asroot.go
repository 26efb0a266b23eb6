// Package asroot is for tests that only root can run.
package asroot

import (
	"os"
	"testing"
)

// Need skips a test of another user, and says what root is needed for. In
// continuous integration, where none may be skipped, the test fails.
func Need(t testing.TB, what string) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	why := "NOT TESTED: " + what + "; run the tests with sudo"
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

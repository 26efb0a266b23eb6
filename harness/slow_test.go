package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/harness/hostile"
	"github.com/avirkit/avirkit/harness/report"
)

// TestAntivirusesThatAreSlowOrLargeAreNotBlamed wraps the honest scanner: how
// slow or large an antivirus is may be a nuisance, but no sin.
func TestAntivirusesThatAreSlowOrLargeAreNotBlamed(t *testing.T) {
	t.Parallel() // they wait most of the time
	b := newBench(t)
	for check, c := range map[string]struct{ wrapper, saw string }{
		"cancel": {`#include <unistd.h>
int __real_scan_path(const char *path);
int __wrap_scan_path(const char *path);
int __wrap_scan_path(const char *path) {
    usleep(100000);
    return __real_scan_path(path);
}
`, "40 threads"},
		"address-space": {`#include <stdlib.h>
int __real_scan_path(const char *path);
int __wrap_scan_path(const char *path);
int __wrap_scan_path(const char *path) {
    char *volatile memory = malloc(450u << 20);
    int result = memory ? __real_scan_path(path) : 0;
    free(memory);
    return result;
}
`, "works with 600, 1000, 2000 MB, refuses with 100, 120, 150, 200, 300, 400"},
	} {
		t.Run(check, func(t *testing.T) {
			t.Parallel()
			wrapper := filepath.Join(t.TempDir(), "wrapper.c")
			require.NoError(t, os.WriteFile(wrapper, []byte(c.wrapper), 0o600))
			plugin := b.bad(t, "NONE", wrapper, "-Wl,--wrap=scan_path")
			cases := hostile.Run(context.Background(), b.run(plugin, 2*time.Second), []string{check})
			require.Len(t, cases, 1)
			assert.Equal(t, report.Passed, cases[0].Status, cases[0].Saw)
			assert.Equal(t, c.saw, cases[0].Saw)
		})
	}
}

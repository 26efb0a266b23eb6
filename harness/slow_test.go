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

// wrapper is around the honest scanner of the bad plugins.
const wrapper = `#include <stdlib.h>
#include <unistd.h>
int __real_scan_path(const char *path);
int __wrap_scan_path(const char *path);
`

const slow = `int __wrap_scan_path(const char *path) {
    usleep(100000);
    return __real_scan_path(path);
}
`

const large = `int __wrap_scan_path(const char *path) {
    char *volatile memory = malloc(450u << 20);
    int result = memory ? __real_scan_path(path) : 0;
    free(memory);
    return result;
}
`

// How slow or large an antivirus is may be a nuisance, but is no sin. The limit
// is shorter than all scans of a check together.
func TestAntivirusesThatAreSlowOrLargeAreNotBlamed(t *testing.T) {
	t.Parallel() // they wait most of the time
	b := newBench(t)
	for check, c := range map[string]struct{ scan, saw string }{
		"cancel":        {slow, "40 threads"},
		"leak":          {slow, "more after 64 scans each"},
		"thread-churn":  {slow, " threads each"},
		"address-space": {large, "works with 600, 1000, 2000 MB, refuses with 100, 120, 150, 200, 300, 400"},
	} {
		t.Run(check, func(t *testing.T) {
			t.Parallel()
			source := filepath.Join(t.TempDir(), "wrapper.c")
			require.NoError(t, os.WriteFile(source, []byte(wrapper+c.scan), 0o600))
			plugin := b.bad(t, "NONE", source, "-Wl,--wrap=scan_path")
			cases := hostile.Run(context.Background(), b.run(plugin, 2*time.Second), []string{check})
			require.Len(t, cases, 1)
			assert.Equal(t, report.Passed, cases[0].Status, cases[0].Saw)
			assert.Contains(t, cases[0].Saw, c.saw)
		})
	}
}

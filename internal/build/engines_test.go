package build

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/plugins/clam/clamdtest"
	"github.com/avirkit/avirkit/plugins/clam/fakeclamd"
)

// enginePlatforms are where the engines are tested: this machine's, and all at
// full length. The SDK below them is tested everywhere in any case.
func enginePlatforms() []*platform.Platform {
	if os.Getenv("AVIR_FULL") == "1" {
		return platform.All
	}
	return []*platform.Platform{platform.Native()}
}

// engine builds a plugin of testdata/engines, which are modules of their own,
// as a vendor's folder is built. What only uses it keeps how it was built.
func engine(t *testing.T, name string) (dist string) {
	t.Helper()
	root, err := run.Root()
	require.NoError(t, err)
	dist = t.TempDir()
	o := Options{Root: root, Plugin: filepath.Join(root, "testdata", "engines", name), Dist: dist}
	use := o
	o.Toolchain, o.Platforms, use.Keep = toolchain.GCC, enginePlatforms(), true
	_, err = Run(context.Background(), o)
	require.NoError(t, err)
	m, err := Run(context.Background(), use)
	require.NoError(t, err)
	assert.Equal(t, toolchain.GCC, m.Toolchain)
	assert.Equal(t, enginePlatforms(), m.BuiltFor())
	return dist
}

func TestAPluginBehindHTTPPassesTheHarness(t *testing.T) {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "cut off", http.StatusBadRequest)
			return
		}
		answer := fakeclamd.Detect(content)
		name, infected := strings.CutSuffix(answer, " FOUND")
		switch {
		case !infected:
			fmt.Fprintln(w, "OK")
		case strings.HasPrefix(name, "Heuristics."):
			fmt.Fprintln(w, "IMPOSSIBLE", name)
		default:
			fmt.Fprintln(w, "VIRUS", name)
		}
	}))
	defer service.Close()
	dist := engine(t, "http")
	for _, p := range enginePlatforms() {
		t.Run(p.Name, func(t *testing.T) {
			harness(t, dist, filepath.Join(dist, p.Name, "avir_http.so"), "--set", "URL="+service.URL+"/scan", "--kernel-floor", p.KernelFloor)
		})
	}
}

func TestAPluginThatRunsACommandLineScannerPassesTheHarness(t *testing.T) {
	clamdtest.Need(t)
	clamd := clamdtest.Start(t, map[string]string{"MaxThreads": "4"})
	folder, err := os.MkdirTemp("", "av") // an option's value holds no longer path
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(folder) })
	config := filepath.Join(folder, "client.conf")
	require.NoError(t, os.WriteFile(config, []byte("LocalSocket "+clamd.Socket+"\n"), 0o644))
	dist := engine(t, "command")
	for _, p := range enginePlatforms() {
		t.Run(p.Name, func(t *testing.T) {
			harness(t, dist, filepath.Join(dist, p.Name, "avir_command.so"),
				"--set", "Arguments=--no-summary --stdout --fdpass --config-file="+config)
		})
	}
}

package build

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/plugins/clam/clamdtest"
)

// harness runs all of the harness's tests on the plugin at a path, the hostile
// ones with few repetitions and the waiting test with a short pause unless
// AVIR_FULL=1.
func harness(t *testing.T, dist, plugin string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	args = append([]string{"run", "all",
		"--plugin", plugin,
		"--data", filepath.Join(t.TempDir(), "data")}, args...)
	if os.Getenv("AVIR_FULL") != "1" {
		args = append(args, "--quick", "--wait", "3s")
	}
	cmd := exec.CommandContext(ctx, filepath.Join(dist, platform.Native().Name, "harness"), args...)
	out, err := cmd.CombinedOutput()
	if !assert.NoError(t, err, "%v", cmd.Args) {
		_, failed, _ := strings.Cut(string(out), "\n**Failed**")
		t.Logf("%s\n%s", failed, out[:min(len(out), 3000)])
	}
}

func TestTheSamplePassesTheHarness(t *testing.T) {
	eachOnce(t, func(t *testing.T, dist string, p *platform.Platform) {
		harness(t, dist, filepath.Join(dist, p.Name, "avir_sample.so"), "--kernel-floor", p.KernelFloor)
	})
}

// The libraries of zig are what ships.
func TestClamPassesTheHarnessWithARealClamd(t *testing.T) { clamPasses(t, toolchain.Zig, 0) }

func TestClamOfGCCPassesTheHarnessWithARealClamdAtFullLength(t *testing.T) {
	clamPasses(t, toolchain.GCC, 1)
}

// clamPasses lets avir_clam of each platform use a way to clamd, the next
// platform the next way.
func clamPasses(t *testing.T, name string, way int) {
	clamdtest.Need(t)
	clamd := clamdtest.Start(t, map[string]string{"MaxThreads": "4"})
	ways := []string{"Port=" + strconv.Itoa(clamd.Port), "Address=" + clamd.Socket}
	for _, p := range platform.All {
		address := ways[way%len(ways)]
		way++
		t.Run(p.Name, func(t *testing.T) {
			built := dist(t, name)
			harness(t, built, filepath.Join(built, p.Name, "avir_clam.so"), "--set", address, "--set", "MaxFileSize=20M", "--kernel-floor", p.KernelFloor)
		})
	}
}

func TestThePluginInCPassesTheHarness(t *testing.T) {
	for _, p := range platform.All {
		t.Run(p.Name, func(t *testing.T) {
			b := testTarget(t, toolchain.Zig, p)
			library := b.staged("avir_csample.so")
			require.NoError(t, b.cPlugin(context.Background(), filepath.Join(b.Root, "testdata", "cplugin", "cplugin.c"), library))
			harness(t, dist(t, toolchain.Zig), library)
		})
	}
}

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

	"github.com/avirkit/avirkit/plugins/clam/clamdtest"
)

// harness runs all of the harness's tests on a plugin, the hostile ones with
// few repetitions and the waiting test with a short pause unless AVIR_FULL=1.
func harness(t *testing.T, dist, plugin string, args ...string) {
	t.Helper()
	if !filepath.IsAbs(plugin) {
		plugin = filepath.Join(dist, Dir386, plugin)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	args = append([]string{"run", "all",
		"--plugin", plugin,
		"--data", filepath.Join(t.TempDir(), "data")}, args...)
	if os.Getenv("AVIR_FULL") != "1" {
		args = append(args, "--quick", "--wait", "3s")
	}
	cmd := exec.CommandContext(ctx, filepath.Join(dist, DirAMD64, "harness"), args...)
	out, err := cmd.CombinedOutput()
	if !assert.NoError(t, err, "%v", cmd.Args) {
		_, failed, _ := strings.Cut(string(out), "\n**Failed**")
		t.Logf("%s\n%s", failed, out[:min(len(out), 3000)])
	}
}

func TestTheSamplePassesTheHarness(t *testing.T) {
	for _, toolchain := range toolchains {
		t.Run(toolchain, func(t *testing.T) {
			harness(t, dist(t, toolchain), "avir_sample.so", "--kernel-floor", "2.6.32")
		})
	}
}

func TestClamPassesTheHarnessWithARealClamd(t *testing.T) {
	clamdtest.Need(t)
	clamd := clamdtest.Start(t, map[string]string{"MaxThreads": "4"})
	address := map[string][]string{
		"over TCP":           {"--set", "Port=" + strconv.Itoa(clamd.Port)},
		"over a unix socket": {"--set", "Address=" + clamd.Socket},
	}
	for toolchain, how := range map[string]string{"zig": "over TCP", "gcc": "over a unix socket"} {
		t.Run(toolchain+" "+how, func(t *testing.T) {
			harness(t, dist(t, toolchain), "avir_clam.so", append(address[how], "--set", "MaxFileSize=20M", "--kernel-floor", "2.6.32")...)
		})
	}
}

func TestThePluginInCPassesTheHarness(t *testing.T) {
	dist := dist(t, "zig")
	b := testBuilder(t, "zig")
	library := filepath.Join(b.stage, "avir_csample.so")
	require.NoError(t, b.CPlugin(context.Background(), filepath.Join(b.Root, "testdata", "cplugin", "cplugin.c"), library))
	harness(t, dist, library)
}

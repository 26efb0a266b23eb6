package build

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/audit"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/plugins/clam/clamdtest"
)

// expected are the verdicts of the reference test program for its samples.
var expected = map[string]string{
	"clean.exe":        "OK",
	"eicar.com":        "VIRUS_FOUND",
	"eicar.zip":        "VIRUS_FOUND",
	"eicarpwd.zip":     "IMPOSSIBLE",
	"empty.file":       "OK",
	"huge.file":        "OK",
	"nonexisting.file": "FAILED",
}

// samples lets the harness generate its samples and returns their folder.
func samples(t *testing.T, dist string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	command(t, filepath.Join(dist, platform.Native().Name, "harness"), "run", "generate", "--data", dir)
	return dir
}

// command runs a program to its end and returns its standard output.
func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var log strings.Builder
	cmd.Stderr = &log
	out, err := cmd.Output()
	require.NoError(t, err, "%v\n%s%s", cmd.Args, out, log.String())
	return string(out)
}

// host runs the avserver that is in dir on a plugin beside it or elsewhere, and
// returns the fields of its lines by their first one.
func host(t *testing.T, dir, plugin string, args ...string) map[string][][]string {
	t.Helper()
	if !filepath.IsAbs(plugin) {
		plugin = filepath.Join(dir, plugin)
	}
	args = append([]string{"--plugin", plugin}, args...)
	lines := map[string][][]string{}
	for _, line := range strings.Split(command(t, filepath.Join(dir, "avserver"), args...), "\n") {
		f := strings.Split(line, "\t")
		lines[f[0]] = append(lines[f[0]], f[1:])
	}
	return lines
}

// scanAll scans every sample and asserts the verdicts.
func scanAll(t *testing.T, dir, plugin, samples string, args ...string) {
	t.Helper()
	for name := range expected {
		args = append(args, filepath.Join(samples, name))
	}
	lines := host(t, dir, plugin, args...)
	require.Len(t, lines["verdict"], len(expected))
	for _, v := range lines["verdict"] {
		require.GreaterOrEqual(t, len(v), 2)
		name := filepath.Base(v[1])
		assert.Equal(t, expected[name], v[0], "%s: %v", name, v)
	}
}

func TestTheHostGetsTheSevenVerdicts(t *testing.T) {
	clamdtest.Need(t)
	clamd := clamdtest.Start(t, nil)
	everywhere(t, func(t *testing.T, dist string, p *platform.Platform) {
		samples, dir := samples(t, dist), filepath.Join(dist, p.Name)
		for _, floor := range [][]string{nil, {"--kernel-floor", p.KernelFloor}} {
			t.Run("from avir_clam and a real clamd "+strings.Join(floor, " "), func(t *testing.T) {
				_, port, _ := strings.Cut(clamd.Addr, ":")
				scanAll(t, dir, "avir_clam.so", samples, append([]string{"--set", "port=" + port, "--threads", "4"}, floor...)...)
			})
			t.Run("from avir_sample "+strings.Join(floor, " "), func(t *testing.T) {
				scanAll(t, dir, "avir_sample.so", samples, floor...)
			})
		}
	})
}

func TestTheHostGetsInfoAndOptions(t *testing.T) {
	everywhere(t, func(t *testing.T, dist string, p *platform.Platform) {
		dir := filepath.Join(dist, p.Name)
		sample := host(t, dir, "avir_sample.so", "--info")
		assert.Contains(t, sample["info"], []string{"name", "avir_sample"})
		assert.Equal(t, [][]string{{"Option 1", "0"}, {"Option 2", "a string"}}, sample["option"])

		clam := host(t, dir, "avir_clam.so", "--info")
		assert.Contains(t, clam["info"], []string{"name", "avir_clam"})
		assert.Subset(t, clam["option"], [][]string{{"Address", "127.0.0.1"}, {"Port", "3310"}, {"StartupTimeout", "90"}})
	})
}

func TestAPluginWrittenInCWithTheHeaderAloneWorksInTheHost(t *testing.T) {
	for _, toolchain := range toolchains {
		for _, p := range platform.All {
			t.Run(toolchain+" "+p.Name, func(t *testing.T) {
				dir := filepath.Join(dist(t, toolchain), p.Name)
				b := testTarget(t, toolchain, p)
				library := b.staged("avir_c.so")
				require.NoError(t, b.cPlugin(context.Background(), filepath.Join(b.Root, "testdata", "cplugin", "cplugin.c"), library))
				report, err := audit.File(library, Policy())
				require.NoError(t, err)
				require.NoError(t, report.Err())

				lines := host(t, dir, library, "--info")
				require.NotEmpty(t, lines["info"])
				clean := filepath.Join(t.TempDir(), "clean.exe")
				require.NoError(t, os.WriteFile(clean, []byte("clean"), 0o600))
				verdicts := host(t, dir, library, clean)["verdict"]
				require.Len(t, verdicts, 1)
				assert.Equal(t, "OK", verdicts[0][0])
			})
		}
	}
}

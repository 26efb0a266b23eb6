package build

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/plugins/clam/fakeclamd"
)

// statusOf runs avirctl status, which parses the file as Prometheus does.
func statusOf(dir, file string) (out string, exit int) {
	cmd := exec.Command(filepath.Join(dir, platform.Native().Name, "avirctl"), "status", "--file", file)
	text, _ := cmd.CombinedOutput() // the exit status tells more
	return string(text), cmd.ProcessState.ExitCode()
}

func TestAvirctlReadsTheStatusOfARunningServer(t *testing.T) {
	for _, p := range platform.All {
		t.Run(p.Name, func(t *testing.T) { followStatus(t, dist(t, toolchain.Zig), p) })
	}
}

// followStatus lets 8 threads scan while one of two servers goes down and comes
// back, reads the status all the time, and kills the host at last.
func followStatus(t *testing.T, dist string, p *platform.Platform) {
	dir := t.TempDir()
	file := filepath.Join(dir, "avirkit.prom")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "c"), []byte("a clean file"), 0o644))
	steady, err := fakeclamd.New("127.0.0.1:0", "")
	require.NoError(t, err)
	defer steady.Close()
	second, err := fakeclamd.New("127.0.0.1:0", "")
	require.NoError(t, err)
	defer func() { second.Close() }()
	address := second.Addr

	args := []string{"--plugin", filepath.Join(dist, p.Name, "avir_clam.so"), "--threads", "8",
		"--set", "Address=" + steady.Addr + "," + address, "--set", "StatusFile=" + file, "--"}
	for range 100_000 { // more than are scanned before the end of the test
		args = append(args, "c")
	}
	host := exec.Command(filepath.Join(dist, p.Name, "avserver"), args...)
	var said bytes.Buffer
	host.Dir, host.Stderr = dir, &said
	require.NoError(t, host.Start())
	defer func() {
		_ = host.Process.Kill()
		_ = host.Wait()
	}()

	wait := func(what string, is func(out string, exit int) bool) string {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); ; {
			out, exit := statusOf(dist, file)
			if is(out, exit) {
				return out
			}
			require.True(t, exit != 3 || strings.Contains(out, "there is no status file"), "half a file: %s", out)
			require.True(t, time.Now().Before(deadline), "%s: %s %s", what, out, said.String())
		}
	}
	wait("both are up", func(_ string, exit int) bool { return exit == 0 })
	for range 2 {
		second.Close()
		out := wait("one is down", func(_ string, exit int) bool { return exit == 1 })
		assert.Contains(t, out, "DOWN")
		second, err = fakeclamd.New(address, "")
		require.NoError(t, err)
		wait("it is back", func(_ string, exit int) bool { return exit == 0 })
	}
	old := time.Now().Add(-10 * time.Minute)
	require.NoError(t, os.Chtimes(file, old, old))
	out, exit := statusOf(dist, file)
	assert.Zero(t, exit, out)
	assert.NotContains(t, out, "STOPPED", "the file of an idle plugin may be old")
	require.NoError(t, host.Process.Kill())
	_ = host.Wait()
	out, exit = statusOf(dist, file)
	assert.Equal(t, 2, exit, out)
	assert.Contains(t, out, "STOPPED")
}

package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/plugins/clam/fakeclamd"
	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

func TestEveryFaultIsListed(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run([]string{"--list"}, &out))
	for name := range fakeclamd.Faults {
		assert.Contains(t, out.String(), name)
	}
}

func TestWrongUseIsAnErrorThatNamesIt(t *testing.T) {
	var out bytes.Buffer
	assert.ErrorContains(t, run([]string{"--fault", "bogus"}, &out), "bogus")
	assert.ErrorContains(t, run([]string{"--listen", ""}, &out), "usage")
	assert.ErrorContains(t, run([]string{"extra"}, &out), "usage")
	assert.Error(t, run([]string{"--listen", "256.0.0.1:1"}, &out))
	assert.Error(t, run([]string{"--listen", "", "--unix", t.TempDir() + "/no/such/folder"}, &out))
}

// build makes the program as it is shipped: static, without symbols.
func build(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "fakeclamd")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

func TestNoScannerFindsTheTestVirusInTheProgram(t *testing.T) {
	program, err := os.ReadFile(build(t))
	require.NoError(t, err)
	assert.False(t, bytes.Contains(program, testvirus.EICAR()))
}

func TestTheProgramDoesNotLinkPackageTesting(t *testing.T) {
	deps, err := exec.Command("go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	assert.Contains(t, strings.Fields(string(deps)), "net", "the list is one")
	assert.NotContains(t, strings.Fields(string(deps)), "testing")
}

func TestSIGQUITPrintsWhatTheGoroutinesDo(t *testing.T) {
	// A shell starts background programs with SIGQUIT ignored.
	cmd := exec.Command("sh", "-c", `trap "" QUIT; exec "$0" --listen 127.0.0.1:0`, build(t))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "ready")
	require.NoError(t, cmd.Process.Signal(syscall.SIGQUIT))
	assert.Error(t, cmd.Wait())
	assert.Contains(t, stderr.String(), "goroutine 1 ")
	assert.Contains(t, stderr.String(), "fakeclamd.(*Server).serve")
}

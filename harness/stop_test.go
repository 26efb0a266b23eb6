package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stopped is what a test reads of a report.
type stopped struct {
	OK    bool
	Cases []struct{ Test, Name, Status string }
}

// stop runs the harness until it has a host, ends it, and returns its report.
func (b *bench) stop(t *testing.T, harness, plugin string, end func(*exec.Cmd), args ...string) stopped {
	t.Helper()
	temporary := t.TempDir()
	report := filepath.Join(t.TempDir(), "report.json")
	args = append(args, "--plugin", plugin, "--data", filepath.Join(b.dir, "data"), "--json", report)
	cmd := exec.Command(harness, append([]string{"run"}, args...)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+temporary)
	out, in, err := os.Pipe()
	require.NoError(t, err)
	cmd.Stdout = in
	require.NoError(t, cmd.Start())
	in.Close()
	defer out.Close()
	var hosts []int
	require.Eventually(t, func() bool {
		hosts = children(cmd.Process.Pid)
		return len(hosts) > 0
	}, 20*time.Second, 5*time.Millisecond, "a host was started")
	end(cmd)
	_ = cmd.Wait()

	assert.Equal(t, someFail, cmd.ProcessState.ExitCode(), cmd.ProcessState)
	for _, pid := range hosts {
		assert.ErrorIs(t, syscall.Kill(-pid, 0), syscall.ESRCH, "no host is left")
	}
	entries, err := os.ReadDir(temporary)
	require.NoError(t, err)
	assert.Empty(t, entries, "no temporary file is left")
	data, err := os.ReadFile(report)
	require.NoError(t, err, "it still reports")
	var r stopped
	require.NoError(t, json.Unmarshal(data, &r))
	assert.False(t, r.OK, "who reads only this must not take it for a pass")
	return r
}

func TestInterruptLeavesNothingBehind(t *testing.T) {
	b := newBench(t)
	harness, plugin := b.command(t), b.bad(t, "NONE")
	for name, c := range map[string]struct {
		signal os.Signal
		args   []string
	}{
		"waiting": {os.Interrupt, []string{"waiting", "--wait", "10m"}},
		"hostile": {syscall.SIGQUIT, []string{"hostile", "--only", "thread-churn", "--only", "leak", "--only", "signals", "--only", "names"}},
		"all":     {syscall.SIGTERM, []string{"all", "--wait", "10m"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := b.stop(t, harness, plugin, func(cmd *exec.Cmd) {
				require.NoError(t, cmd.Process.Signal(c.signal))
			}, c.args...)
			if name == "all" {
				last := r.Cases[len(r.Cases)-1]
				assert.Equal(t, "hostile/stopped/failed", last.Test+"/"+last.Name+"/"+last.Status)
			}
		})
	}
}

func TestAReaderThatGoesAwayEndsTheRun(t *testing.T) {
	b := newBench(t)
	harness := b.command(t)
	// As in harness run … | head -1, but head is gone before the first line.
	wrapper := filepath.Join(t.TempDir(), "wrapper")
	require.NoError(t, os.WriteFile(wrapper, []byte("#!/bin/sh\nexec "+harness+` "$@" >"$FIFO"`+"\n"), 0o700))
	fifo := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	t.Setenv("FIFO", fifo)
	go func() {
		if f, err := os.Open(fifo); err == nil { // waits for the writer
			f.Close()
		}
	}()
	report := filepath.Join(t.TempDir(), "report.json")
	_, _, status := output(t, b.dir, "", wrapper, "run", "waiting", "--wait", "10m", "--plugin", b.bad(t, "NONE"), "--json", report)
	assert.Equal(t, someFail, status)
	data, err := os.ReadFile(report)
	require.NoError(t, err)
	assert.True(t, json.Valid(data))
}

func TestADaemonThatLeavesItsSessionIsFoundAndKilled(t *testing.T) {
	t.Parallel() // it waits most of the time
	b := newBench(t)
	harness := b.command(t)
	wrapper := filepath.Join(t.TempDir(), "wrapper.c")
	require.NoError(t, os.WriteFile(wrapper, []byte(`#include <unistd.h>
int __real_fork(void);
int __wrap_fork(void);
int __wrap_fork(void) {
    int child = __real_fork();
    if (child == 0)
        setsid();
    return child;
}
`), 0o600))
	plugin := b.bad(t, "LEAVE_PROCESS", wrapper, "-Wl,--wrap=fork")
	out, errors, status := output(t, b.dir, "", harness, "run", "server", "--plugin", plugin, "--data", filepath.Join(b.dir, "data"))
	assert.Equal(t, someFail, status, errors)
	assert.Contains(t, out, "a process that the plugin started outlives the server")
	maps, err := filepath.Glob("/proc/[0-9]*/maps")
	require.NoError(t, err)
	for _, path := range maps {
		if data, err := os.ReadFile(path); err == nil {
			assert.NotContains(t, string(data), plugin, "%s is left", path)
		}
	}
}

func TestNohupIsHeeded(t *testing.T) {
	signal.Ignore(syscall.SIGHUP)
	defer signal.Reset(syscall.SIGHUP)
	assert.Equal(t, []os.Signal{os.Interrupt}, heeded(os.Interrupt, syscall.SIGHUP))
}

// children returns the processes whose parent is pid.
func children(pid int) (found []int) {
	entries, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range entries {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(data), ") ")
		fields := strings.Fields(rest) // state, parent, …
		if len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			if n, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
				found = append(found, n)
			}
		}
	}
	return found
}

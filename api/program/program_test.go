package program

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shell runs a script with a minute's time.
func shell(t *testing.T, script string, change func(*Command)) (Result, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := Command{Path: "/bin/sh", Args: []string{"-c", script}}
	if change != nil {
		change(&c)
	}
	return c.Run(ctx)
}

func TestRunTellsHowTheProgramEnded(t *testing.T) {
	for script, want := range map[string]Result{
		"exit 0":                        {},
		"exit 42":                       {ExitCode: 42},
		"kill -TERM $$":                 {ExitCode: -1, Signal: syscall.SIGTERM},
		"echo out; echo err >&2":        {Stdout: []byte("out\n"), Stderr: []byte("err\n")},
		"cat; pwd":                      {Stdout: []byte("/\n")},
		"printf '%s' \"$HOME$1\"":       {Stdout: []byte("/home/of")},
		"kill -KILL 0":                  {ExitCode: -1, Signal: syscall.SIGKILL},
		"trap '' TERM; kill $$; exit 3": {ExitCode: 3},
	} {
		t.Run(script, func(t *testing.T) {
			got, err := shell(t, script, func(c *Command) { c.Env = []string{"PATH=/usr/bin:/bin", "HOME=/home/of"} })
			require.NoError(t, err)
			assert.Equal(t, want.ExitCode, got.ExitCode)
			assert.Equal(t, want.Signal, got.Signal)
			assert.Equal(t, string(want.Stdout), string(got.Stdout))
			assert.Equal(t, string(want.Stderr), string(got.Stderr))
		})
	}
}

func TestRunSaysWhyAProgramCanNotBeStarted(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	require.NoError(t, os.WriteFile(text, []byte("text"), 0o600))
	for name, c := range map[string]struct {
		command Command
		want    error
	}{
		"missing":        {Command{Path: "/no/such/program"}, fs.ErrNotExist},
		"not executable": {Command{Path: text}, fs.ErrPermission},
		"no directory":   {Command{Path: "/bin/sh", Dir: "/no/such"}, fs.ErrNotExist},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.command.Run(context.Background())
			assert.ErrorIs(t, err, c.want)
			assert.ErrorContains(t, err, "start "+c.command.Path)
		})
	}
	_, err := Command{Path: "sh"}.Run(context.Background())
	assert.ErrorContains(t, err, "give its absolute path")
	_, err = Command{Path: "/bin/sh", Args: []string{"a\x00b"}}.Run(context.Background())
	assert.ErrorContains(t, err, "NUL byte")
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = Command{Path: "/bin/sh"}.Run(cancelled)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestOutputIsBoundedAndReadToItsEnd(t *testing.T) {
	got, err := shell(t, "head -c 3000000 /dev/zero; head -c 100 /dev/zero >&2; exit 7", func(c *Command) { c.MaxOutput = 1000 })
	require.NoError(t, err)
	assert.Equal(t, 7, got.ExitCode)
	assert.Equal(t, make([]byte, 1000), got.Stdout)
	assert.Len(t, got.Stderr, 100)
	assert.True(t, got.Truncated)
	got, err = shell(t, "head -c 1000 /dev/zero", func(c *Command) { c.MaxOutput = 1000 })
	require.NoError(t, err)
	assert.Len(t, got.Stdout, 1000)
	assert.False(t, got.Truncated, "what just fits is all")
	got, err = shell(t, "head -c 100000 /dev/zero", nil)
	require.NoError(t, err)
	assert.Len(t, got.Stdout, DefaultMaxOutput)
}

func TestProgramAndItsChildrenAreKilledAtTheDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	begin := time.Now()
	c := Command{Path: "/bin/sh", Args: []string{"-c", "trap '' TERM INT; sleep 1000 & echo $!; (sleep 1000; true) & echo $!; echo $$; wait"}}
	got, err := c.Run(ctx)
	took := time.Since(begin)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.GreaterOrEqual(t, took, 500*time.Millisecond)
	assert.Less(t, took, 500*time.Millisecond+2*grace)
	pids := strings.Fields(string(got.Stdout))
	require.Len(t, pids, 3)
	for _, pid := range pids {
		assertGone(t, pid)
	}
}

func TestChildrenThatAProgramLeavesAreKilled(t *testing.T) {
	begin := time.Now()
	got, err := shell(t, "sleep 1000 & echo $!", nil)
	require.NoError(t, err)
	assert.Less(t, time.Since(begin), 10*time.Second, "the child held the output open")
	assertGone(t, strings.TrimSpace(string(got.Stdout)))
}

// assertGone waits until a process has ended; its parent may not have reaped it.
func assertGone(t *testing.T, pid string) {
	assert.Eventually(t, func() bool {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		return err != nil || bytes.Contains(stat, []byte(") Z ")) || bytes.Contains(stat, []byte(") X "))
	}, 10*time.Second, 5*time.Millisecond, pid)
}

func TestProgramHasCleanSignalsAndOnlyItsOwnFiles(t *testing.T) {
	signal.Ignore(syscall.SIGHUP, syscall.SIGUSR1)
	defer signal.Reset(syscall.SIGHUP, syscall.SIGUSR1)
	inherited, err := os.Open("/dev/zero")
	require.NoError(t, err)
	defer inherited.Close()
	_, _, errno := syscall.Syscall(syscall.SYS_FCNTL, inherited.Fd(), syscall.F_SETFD, 0) // no close-on-exec
	require.Zero(t, errno)
	got, err := shell(t, "exec cat /proc/self/status", nil)
	require.NoError(t, err)
	for _, field := range []string{"SigBlk", "SigIgn", "SigPnd"} {
		assert.Contains(t, string(got.Stdout), field+":\t0000000000000000\n")
	}
	got, err = shell(t, "ls /proc/self/fd", nil)
	require.NoError(t, err)
	assert.Equal(t, "0 1 2 3", strings.Join(strings.Fields(string(got.Stdout)), " "), "the last is that of ls itself")
	got, err = shell(t, "cut -d' ' -f5 /proc/$$/stat; echo $$", nil)
	require.NoError(t, err)
	words := strings.Fields(string(got.Stdout))
	require.Len(t, words, 2)
	assert.Equal(t, words[1], words[0], "a process group of its own")
}

func TestStandardInputIsAFileOfTheCallers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "input")
	require.NoError(t, os.WriteFile(path, []byte("to be scanned"), 0o600))
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	got, err := shell(t, "cat", func(c *Command) { c.Stdin = file })
	require.NoError(t, err)
	assert.Equal(t, "to be scanned", string(got.Stdout))
}

func TestManyProgramsAtOnceLeaveNothing(t *testing.T) {
	before := descriptors(t)
	var group sync.WaitGroup
	for i := range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			for range 10 {
				got, err := shell(t, fmt.Sprintf("exit %d", i), nil)
				assert.NoError(t, err)
				assert.Equal(t, i, got.ExitCode)
			}
		}()
	}
	group.Wait()
	assert.Eventually(t, func() bool { return descriptors(t) <= before }, 10*time.Second, 5*time.Millisecond)
	_, err := syscall.Wait4(-1, nil, syscall.WNOHANG|syscall.WALL, nil)
	assert.ErrorIs(t, err, syscall.ECHILD, "no child is left, not even one that an ordinary wait doesn't see")
}

func descriptors(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(entries)
}

func TestProgramDiesWithItsHost(t *testing.T) {
	if os.Getenv("AVIR_TEST_HOST") != "" {
		out, err := os.OpenFile(os.Getenv("AVIR_TEST_HOST"), os.O_WRONLY, 0)
		require.NoError(t, err)
		_, _ = Command{Path: "/bin/sh", Args: []string{"-c", "echo $$ > /proc/self/fd/0; exec sleep 1000"}, Stdin: out}.Run(context.Background())
		return
	}
	path := filepath.Join(t.TempDir(), "pid")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	host, err := os.StartProcess("/proc/self/exe", []string{"host", "-test.run=TestProgramDiesWithItsHost"},
		&os.ProcAttr{Env: append(os.Environ(), "AVIR_TEST_HOST="+path)})
	require.NoError(t, err)
	var pid string
	require.Eventually(t, func() bool {
		text, _ := os.ReadFile(path)
		pid = strings.TrimSpace(string(text))
		_, err := strconv.Atoi(pid)
		return err == nil
	}, 20*time.Second, 5*time.Millisecond)
	require.NoError(t, host.Kill())
	_, _ = host.Wait()
	assertGone(t, pid)
}

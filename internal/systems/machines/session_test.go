package machines

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain lets this program be the run that a test kills.
func TestMain(m *testing.M) {
	if cache := os.Getenv("AVIR_TEST_RUN_IN"); cache != "" {
		s, err := begin(context.Background(), cache, mode(os.Getenv("AVIR_TEST_MODE")), "")
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		c := s.command("sleep", "1000")
		cmd := exec.Command(c.Name, c.Args...)
		cmd.Env = append(os.Environ(), c.Env...)
		if err := cmd.Start(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("child", cmd.Process.Pid)
		fmt.Println("began", s.dir)
		select {}
	}
	os.Exit(m.Run())
}

// otherRun starts this program as a run of its own, and returns it with the
// run's folder and the process that it started, if any.
func otherRun(t *testing.T, cache string, m mode) (run *exec.Cmd, dir string, child int) {
	t.Helper()
	run = exec.Command(os.Args[0], "-test.run=^$")
	run.Env = append(os.Environ(), "AVIR_TEST_RUN_IN="+cache, "AVIR_TEST_MODE="+string(m))
	out, err := run.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, run.Start())
	t.Cleanup(func() { _ = run.Process.Kill(); _ = run.Wait() })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "child":
			child, err = strconv.Atoi(rest)
			require.NoError(t, err)
		case "began":
			return run, rest, child
		default:
			t.Fatal(lines.Text())
		}
	}
	t.Fatal("the other run said nothing")
	return nil, "", 0
}

func gone(t *testing.T, dir string) {
	t.Helper()
	assert.Eventually(t, func() bool { return !exists(dir) && !keeperLives(dir) }, 20*time.Second, 10*time.Millisecond, "%s is still there", dir)
}

func TestTheEndOfARunRemovesItsFiles(t *testing.T) {
	s, err := begin(t.Context(), t.TempDir(), plain, "")
	require.NoError(t, err)
	write(t, s.path("pool/disk.img"), "disk")
	require.NoError(t, s.end(false))
	gone(t, s.dir)
}

func TestACancelledRunIsRemovedEvenIfNobodyEndsIt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, err := begin(ctx, t.TempDir(), plain, "")
	require.NoError(t, err)
	cancel()
	gone(t, s.dir)
	<-s.ended
}

func TestAKilledRunIsRemoved(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			other, dir, _ := otherRun(t, t.TempDir(), plain)
			require.DirExists(t, dir)
			require.NoError(t, other.Process.Signal(signal))
			gone(t, dir)
		})
	}
}

// There is no libvirt behind it: this shows that what the run has started
// ends with it when it shares the system with others.
func TestAKilledRunTakesItsProcessesAlong(t *testing.T) {
	bystander := exec.Command("sleep", "1000")
	require.NoError(t, bystander.Start())
	defer func() { _ = bystander.Process.Kill(); _ = bystander.Wait() }()
	fakeProgram(t, "virsh", "exit 0")
	fakeProgram(t, "VBoxManage", "exit 0")
	for _, m := range []mode{plain, systemLibvirt, virtualBox} {
		t.Run(string(m), func(t *testing.T) {
			other, dir, child := otherRun(t, t.TempDir(), m)
			require.NotZero(t, child)
			require.NoError(t, other.Process.Kill())
			gone(t, dir)
			assert.Eventually(t, func() bool { _, err := readStat(child); return err != nil }, 10*time.Second, 10*time.Millisecond)
		})
	}
	_, err := readStat(bystander.Process.Pid)
	assert.NoError(t, err, "it belongs to somebody else")
}

func TestKeptMachinesStayUntilTheUserOrTheNextRunEndsThem(t *testing.T) {
	cache := t.TempDir()
	for name, end := range map[string]func(dir string) error{
		"the user":     func(dir string) error { return os.Remove(filepath.Join(dir, "kept")) },
		"the next run": func(string) error { return sweep(t.Context(), cache) },
	} {
		t.Run(name, func(t *testing.T) {
			s, err := begin(t.Context(), cache, plain, "")
			require.NoError(t, err)
			require.NoError(t, s.end(true))
			require.True(t, keeperLives(s.dir))
			require.DirExists(t, s.dir)
			require.NoError(t, end(s.dir))
			gone(t, s.dir)
		})
	}
}

func TestASweepRemovesWhatEvenTheKeeperCouldNot(t *testing.T) {
	cache := t.TempDir()
	for _, how := range []mode{plain, ownLibvirt, ""} {
		dir := runDir(cache, "avirkit-12345")
		write(t, filepath.Join(dir, "pool", "disk.img"), "disk")
		if how != "" {
			write(t, filepath.Join(dir, "mode"), string(how))
		}
		require.NoError(t, sweep(t.Context(), cache))
		require.NoDirExists(t, dir)
	}
	stranger := write(t, filepath.Join(cache, "run-other", "file"), "")
	require.NoError(t, sweep(t.Context(), cache))
	assert.FileExists(t, stranger, "it is no run's folder")
}

func TestTheKeeperTakesNoOtherNames(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("sh", "keeper.sh", "files", dir, "../../etc")
	out, err := cmd.CombinedOutput()
	assert.Error(t, err)
	assert.Contains(t, string(out), "not the name of a run")
	assert.DirExists(t, dir)
}

func TestOnlyMageAndGoAreCallers(t *testing.T) {
	processes := map[int]process{
		10: {pid: 10, parent: 9, name: "mage"}, 9: {pid: 9, parent: 8, name: "go"}, 8: {pid: 8, parent: 1, name: "bash"},
	}
	stat := func(pid int) (process, error) {
		if p, ok := processes[pid]; ok {
			return p, nil
		}
		return process{}, io.EOF
	}
	assert.Equal(t, []process{processes[10], processes[9]}, mageCallers(10, stat))
	assert.Empty(t, mageCallers(8, stat), "a shell may end before what it started")
	assert.Empty(t, mageCallers(77, stat))
	self, err := readStat(os.Getpid())
	require.NoError(t, err)
	assert.Equal(t, os.Getppid(), self.parent)
}

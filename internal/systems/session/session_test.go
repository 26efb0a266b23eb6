package session

import (
	"bufio"
	"context"
	"fmt"
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

	"github.com/avirkit/avirkit/internal/asroot"
	"github.com/avirkit/avirkit/internal/run"
)

// TestMain lets this program be the run that a test kills.
func TestMain(m *testing.M) {
	if cache := os.Getenv("AVIR_TEST_RUN_IN"); cache != "" {
		s, err := Begin(context.Background(), Options{Cache: cache, Mode: Mode(os.Getenv("AVIR_TEST_MODE")), Home: ""})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		cmd := exec.Command("sleep", "1000")
		if err := cmd.Start(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("child", cmd.Process.Pid)
		fmt.Println("began", s.Dir)
		select {}
	}
	os.Exit(m.Run())
}

// otherRun starts this program as a run of its own, and returns it with the
// run's folder and the process that it started, if any.
func otherRun(t *testing.T, cache string, m Mode) (run *exec.Cmd, dir string, child int) {
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

func write(t *testing.T, path, text string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

// lives says whether a process runs; one that nobody has waited for yet does not.
func lives(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func gone(t *testing.T, dir string) {
	t.Helper()
	assert.Eventually(t, func() bool { return !run.Exists(dir) && !keeperLives(dir) }, 20*time.Second, 10*time.Millisecond, "%s is still there", dir)
}

func TestTheEndOfARunRemovesItsFiles(t *testing.T) {
	s, err := Begin(t.Context(), Options{Cache: t.TempDir(), Mode: Plain, Home: ""})
	require.NoError(t, err)
	write(t, s.Path("pool/disk.img"), "disk")
	require.NoError(t, s.End())
	gone(t, s.Dir)
}

func TestACancelledRunIsRemovedEvenIfNobodyEndsIt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, err := Begin(ctx, Options{Cache: t.TempDir(), Mode: Plain, Home: ""})
	require.NoError(t, err)
	cancel()
	gone(t, s.Dir)
	<-s.ended
}

func TestAKilledRunIsRemoved(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			other, dir, _ := otherRun(t, t.TempDir(), Plain)
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
	for _, m := range []Mode{Plain, SystemLibvirt, VirtualBox} {
		t.Run(string(m), func(t *testing.T) {
			other, dir, child := otherRun(t, t.TempDir(), m)
			require.NotZero(t, child)
			require.NoError(t, other.Process.Kill())
			gone(t, dir)
			assert.Eventually(t, func() bool { return !lives(child) }, 10*time.Second, 10*time.Millisecond)
		})
	}
	assert.True(t, lives(bystander.Process.Pid), "it belongs to somebody else")
}

func TestKeptMachinesStayUntilTheUserOrTheNextRunEndsThem(t *testing.T) {
	cache := t.TempDir()
	for name, end := range map[string]func(dir string) error{
		"the user": func(dir string) error { return os.Remove(filepath.Join(dir, "kept")) },
		"the next run": func(dir string) error {
			return sweepRun(t.Context(), dir, strings.TrimPrefix(filepath.Base(dir), "run-"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Begin(t.Context(), Options{Cache: cache, Mode: Plain, Home: ""})
			require.NoError(t, err)
			require.NoError(t, s.Keep())
			require.True(t, keeperLives(s.Dir))
			require.DirExists(t, s.Dir)
			require.NoError(t, end(s.Dir))
			gone(t, s.Dir)
		})
	}
}

func TestASweepRemovesWhatEvenTheKeeperCouldNot(t *testing.T) {
	cache := t.TempDir()
	for _, how := range []Mode{Plain, OwnLibvirt, ""} {
		dir := runDir(cache, "avirkit-999999999-1")
		write(t, filepath.Join(dir, "pool", "disk.img"), "disk")
		if how != "" {
			write(t, filepath.Join(dir, "mode"), string(how))
		}
		require.NoError(t, sweep(t.Context(), cache, false))
		require.NoDirExists(t, dir)
	}
	stranger := write(t, filepath.Join(cache, "run-other", "file"), "")
	require.NoError(t, sweep(t.Context(), cache, false))
	assert.FileExists(t, stranger, "it is no run's folder")
	living := write(t, filepath.Join(runDir(cache, fmt.Sprintf("avirkit-%d-7", os.Getppid())), "file"), "")
	require.NoError(t, sweep(t.Context(), cache, false))
	assert.FileExists(t, living, "its run goes on")
	assert.ErrorContains(t, Alone(t.Context(), cache), fmt.Sprintf("wait for the end of process %d", os.Getppid()))
}

func TestTheKeeperOfNamespacesRunsOnlyAsTheirFirstProcess(t *testing.T) {
	// Only in namespaces of processes may this test try "kill -1".
	cmd := exec.Command("unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
		"sh", "-c", `sleep 1000 & sh keeper.sh own "$0" avirkit-1 < /dev/null; echo "status $?"; kill $! && echo alive`, t.TempDir())
	out, err := cmd.CombinedOutput()
	asroot.Need(t, "namespaces need root")
	require.NoError(t, err, "%s", out)
	assert.Contains(t, string(out), "mode own is for process 1")
	assert.Contains(t, string(out), "status 2\nalive", "it kills nobody")
}

func TestTheKeeperTakesNoOtherNames(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("sh", "keeper.sh", "files", dir, "../../etc")
	out, err := cmd.CombinedOutput()
	assert.Error(t, err)
	assert.Contains(t, string(out), "not the name of a run")
	assert.DirExists(t, dir)
}

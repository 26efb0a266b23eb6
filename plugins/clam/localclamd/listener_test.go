package localclamd

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAClamdThatHasEndedIsNone(t *testing.T) {
	program, err := os.ReadFile("/bin/cat")
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "clamd")
	require.NoError(t, os.WriteFile(path, program, 0o755))
	clamd := exec.Command(path)
	input, err := clamd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, clamd.Start())
	defer func() { _ = clamd.Wait() }()
	require.True(t, isClamd(clamd.Process.Pid))
	require.NoError(t, input.Close())
	// waitid waits until it has ended and, with WNOWAIT, leaves it a zombie.
	const pPID, wExited, wNoWait = 1, 4, 0x01000000
	_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, pPID, uintptr(clamd.Process.Pid), 0, wExited|wNoWait, 0, 0)
	require.Zero(t, errno)
	require.False(t, isClamd(clamd.Process.Pid))
}

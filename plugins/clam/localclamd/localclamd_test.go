package localclamd_test

import (
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/plugins/clam/clamdtest"
	"github.com/avirkit/avirkit/plugins/clam/localclamd"
)

// find looks for the clamd at an address.
func find(t *testing.T, network, address string) (found *localclamd.Process, err error) {
	t.Helper()
	conn, dialErr := net.Dial(network, address)
	require.NoError(t, dialErr)
	defer conn.Close()
	raw, controlErr := conn.(syscall.Conn).SyscallConn()
	require.NoError(t, controlErr)
	require.NoError(t, raw.Control(func(fd uintptr) { found, err = localclamd.Find(int(fd)) }))
	return found, err
}

func TestAClamdOfThisMachineIsFoundByEachOfItsSockets(t *testing.T) {
	real := clamdtest.Start(t, map[string]string{"MaxThreads": "7", "MaxScanSize": "30M"})
	for network, address := range map[string]string{"unix": real.Socket, "tcp": real.Addr} {
		found, err := find(t, network, address)
		require.NoError(t, err, network)
		assert.Equal(t, real.PID(), found.PID)
		assert.EqualValues(t, 7, found.Config.MaxThreads)
		assert.EqualValues(t, 30<<20, found.Config.MaxScanSize)
		assert.EqualValues(t, 100<<20, found.Config.MaxFileSize, "the default")
		assert.Equal(t, real.TmpDir, found.TempDir)
		room, err := found.Room()
		require.NoError(t, err)
		assert.Positive(t, room)
		files, limited := found.Limit("Max open files")
		assert.True(t, limited)
		assert.Positive(t, files)
		assert.Positive(t, found.Memory("VmSize"))
		require.NoError(t, os.RemoveAll(real.TmpDir))
		_, err = found.Room()
		assert.ErrorContains(t, err, real.TmpDir)
		require.NoError(t, os.Mkdir(real.TmpDir, 0o755))
	}
}

// A socket made by systemd is listened to by systemd first: this process
// stands in for it, and hands the socket over.
func TestAClamdThatGotItsSocketFromAnotherProcessIsFound(t *testing.T) {
	dir, err := os.MkdirTemp("", "clamd")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "sock")
	l, err := net.Listen("unix", path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	socket, err := l.(*net.UnixListener).File()
	require.NoError(t, err)
	t.Cleanup(func() { _ = socket.Close() })
	require.NoError(t, os.WriteFile(filepath.Join(dir, "clamd.conf"), []byte("MaxThreads 3\nMaxThreads 4\n#MaxQueue 5\nTemporaryDirectory /var/tmp\n"), 0o644))

	// What is called clamd is one here: it only has to hold the socket, which a
	// shell does that waits for commands.
	program := filepath.Join(dir, "clamd")
	shell, err := os.ReadFile("/bin/sh")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(program, shell, 0o755))
	commands, stop, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = commands.Close()
		_ = stop.Close()
	})
	process, err := os.StartProcess(program, []string{"clamd", "-s", "--", "--config-file=clamd.conf"}, &os.ProcAttr{
		Dir: dir, Files: []*os.File{commands, nil, nil, socket},
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = process.Kill()
		_, _ = process.Wait()
	})
	found, err := find(t, "unix", path)
	require.NoError(t, err)
	assert.Equal(t, process.Pid, found.PID)
	assert.EqualValues(t, 3, found.Config.MaxThreads, "clamd takes the first value")
	assert.EqualValues(t, 100, found.Config.MaxQueue)
	assert.Equal(t, "/var/tmp", found.TempDir)
}

func TestWhatIsNoClamdOfThisMachineIsNotTakenForOne(t *testing.T) {
	fake := clamdtest.StartFake(t)
	for network, address := range map[string]string{"unix": fake.Socket, "tcp": fake.Addr} {
		_, err := find(t, network, address)
		assert.ErrorIs(t, err, localclamd.ErrHidden, network)
	}
}

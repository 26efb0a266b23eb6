package localclamd_test

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

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

// asClamd starts a shell that holds a listening socket and is called clamd,
// which is enough to be one here. It runs what is written to commands, in
// dir, where clamd.conf lies.
func asClamd(t *testing.T, dir string, l net.Listener, sys *syscall.SysProcAttr) (pid int, commands io.Writer) {
	t.Helper()
	socket, err := l.(*net.UnixListener).File()
	require.NoError(t, err)
	t.Cleanup(func() { _ = socket.Close() })
	program := filepath.Join(dir, "clamd")
	shell, err := os.ReadFile("/bin/sh")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(program, shell, 0o755))
	in, out, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = in.Close()
		_ = out.Close()
	})
	process, err := os.StartProcess(program, []string{"clamd", "-s", "--", "--config-file=clamd.conf"}, &os.ProcAttr{
		Dir: dir, Env: os.Environ(), Files: []*os.File{in, nil, os.Stderr, socket}, Sys: sys,
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = process.Kill()
		_, _ = process.Wait()
	})
	return process.Pid, out
}

// listen listens on a unix socket in a new folder.
func listen(t *testing.T) (dir, path string, l net.Listener) {
	t.Helper()
	dir, err := os.MkdirTemp("", "clamd")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path = filepath.Join(dir, "sock")
	l, err = net.Listen("unix", path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return dir, path, l
}

// A socket made by systemd is listened to by systemd first: this process
// stands in for it, and hands the socket over.
func TestAClamdThatGotItsSocketFromAnotherProcessIsFound(t *testing.T) {
	dir, path, l := listen(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "clamd.conf"), []byte("MaxThreads 3\nMaxThreads 4\n#MaxQueue 5\nTemporaryDirectory /var/tmp\n"), 0o644))
	pid, _ := asClamd(t, dir, l, nil)
	found, err := find(t, "unix", path)
	require.NoError(t, err)
	assert.Equal(t, pid, found.PID)
	assert.EqualValues(t, 3, found.Config.MaxThreads, "clamd takes the first value")
	assert.EqualValues(t, 100, found.Config.MaxQueue)
	assert.Equal(t, "/var/tmp", found.TempDir)
}

// As with systemd's PrivateTmp.
func TestTheRoomIsWhatAClamdWithAViewOfItsOwnHas(t *testing.T) {
	dir, path, l := listen(t)
	tmp, mounted := filepath.Join(dir, "tmp"), filepath.Join(dir, "mounted")
	require.NoError(t, os.Mkdir(tmp, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "clamd.conf"), []byte("TemporaryDirectory "+tmp+"\n"), 0o644))
	view := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if uid := os.Getuid(); uid != 0 { // who isn't root may mount in a user namespace of its own
		view.Cloneflags |= syscall.CLONE_NEWUSER
		view.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
	}
	_, commands := asClamd(t, dir, l, view)
	_, err := io.WriteString(commands, "mount --make-rprivate / && mount -t tmpfs -o size=64k none tmp && : >mounted\n")
	require.NoError(t, err)
	require.Eventually(t, func() bool { _, err := os.Stat(mounted); return err == nil }, 20*time.Second, 10*time.Millisecond)
	found, err := find(t, "unix", path)
	require.NoError(t, err)
	room, err := found.Room()
	require.NoError(t, err)
	assert.EqualValues(t, 64<<10, room)
}

func TestWhatIsNoClamdOfThisMachineIsNotTakenForOne(t *testing.T) {
	fake := clamdtest.StartFake(t)
	for network, address := range map[string]string{"unix": fake.Socket, "tcp": fake.Addr} {
		_, err := find(t, network, address)
		assert.ErrorIs(t, err, localclamd.ErrHidden, network)
	}
}

package clamd

import (
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/clamdtest"
	"github.com/avirkit/avirkit/plugins/clam/fakeclamd"
	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

func refused(t *testing.T) {
	for _, via := range []func(*fakeclamd.Server) string{overTCP, overUnix} {
		r := newRig(t, via)
		r.fake.Close()
		result := r.scan(testvirus.EICAR(), brief)
		assert.Equal(t, api.Failed, result.Verdict)
		assert.Contains(t, result.Text, via(r.fake), "the message names the server")
		assert.Contains(t, result.Text, "does clamd run")
		assert.Contains(t, result.Text, "sample", "the message names the file")

		pending := background(r.c, write(t, "later", testvirus.EICAR()))
		_ = os.Remove(r.fake.Socket)
		again, err := fakeclamd.New(r.fake.Addr, r.fake.Socket)
		require.NoError(t, err)
		t.Cleanup(again.Close)
		assert.Equal(t, api.VirusFound, await(t, pending).Verdict, "clamd came back in time")
	}
}

// fullListener listens at an address and lets its backlog run full.
func fullListener(t *testing.T, network, address string) (free func()) {
	t.Helper()
	var sa syscall.Sockaddr = &syscall.SockaddrUnix{Name: address}
	family := syscall.AF_UNIX
	if network == "tcp" {
		addr, err := net.ResolveTCPAddr("tcp", address)
		require.NoError(t, err)
		family, sa = syscall.AF_INET, &syscall.SockaddrInet4{Port: addr.Port, Addr: [4]byte(addr.IP.To4())}
	}
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	require.NoError(t, syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1))
	require.NoError(t, syscall.Bind(fd, sa))
	require.NoError(t, syscall.Listen(fd, 0))
	var filling []net.Conn
	for range 16 {
		conn, err := net.DialTimeout(network, address, 100*time.Millisecond)
		if err != nil {
			break
		}
		filling = append(filling, conn)
	}
	require.Less(t, len(filling), 16, "the backlog runs full")
	closed := false
	free = func() {
		if closed {
			return
		}
		closed = true
		for _, conn := range filling {
			_ = conn.Close()
		}
		_ = syscall.Close(fd)
	}
	t.Cleanup(free)
	return free
}

func backlogFull(t *testing.T) {
	r := newRig(t, overUnix)
	r.fake.Close()
	_ = os.Remove(r.fake.Socket)
	r.scan(testvirus.EICAR(), brief) // the sessions are gone, and known to be
	free := fullListener(t, "unix", r.fake.Socket)
	pending := background(r.c, write(t, "sample", testvirus.EICAR()))
	eventually(t, "the full backlog is met", func() bool {
		return errors.Is(r.c.servers[0].problem(), syscall.EAGAIN)
	})
	free()
	_ = os.Remove(r.fake.Socket)
	again, err := fakeclamd.New("", r.fake.Socket)
	require.NoError(t, err)
	t.Cleanup(again.Close)
	assert.Equal(t, api.VirusFound, await(t, pending).Verdict)

	again.Close()
	_ = os.Remove(r.fake.Socket)
	fullListener(t, "unix", r.fake.Socket)
	assert.Equal(t, api.Failed, r.scan(testvirus.EICAR(), brief).Verdict, "full for ever")
}

func blackhole(t *testing.T) {
	r := newRig(t, overTCP)
	r.fake.Close()
	free := fullListener(t, "tcp", r.fake.Addr)
	assert.Equal(t, api.Failed, r.scan(testvirus.EICAR(), brief).Verdict)
	free()

	// Beside a good server, nobody waits for the bad one, at start or later.
	bad, good := clamdtest.StartFake(t), clamdtest.StartFake(t)
	bad.Close()
	fullListener(t, "tcp", bad.Addr)
	log := &logLines{}
	begin := time.Now()
	c := startQuick(t, bad.Addr+","+good.Addr, log, nil)
	assert.Less(t, time.Since(begin), quick.grace+slack)
	assert.Contains(t, log.String(), bad.Addr+" is not ready")
	for range 10 {
		assert.Equal(t, api.VirusFound, timedScan(t, c, write(t, "sample", testvirus.EICAR()), enough).Verdict)
	}
}

func allDown(t *testing.T) {
	one, two := clamdtest.StartFake(t), clamdtest.StartFake(t)
	log := &logLines{}
	c := startQuick(t, one.Addr+","+two.Addr, log, nil)
	path := write(t, "sample", testvirus.EICAR())
	one.Close()
	two.Close()
	result := timedScan(t, c, path, brief)
	assert.Equal(t, api.Failed, result.Verdict)
	assert.Equal(t, 2, strings.Count(log.String(), "marked down"), log.String())

	again, err := fakeclamd.New(two.Addr, "")
	require.NoError(t, err)
	t.Cleanup(again.Close)
	assert.Equal(t, api.VirusFound, timedScan(t, c, path, enough).Verdict)
	assert.Contains(t, log.String(), two.Addr+" is back")
}

package clamd

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sink takes whatever it is sent, without end and without a word. It tells
// when it has taken its first megabyte.
func sink(t *testing.T) (address string, busy <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	taken := make(chan struct{})
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.CopyN(io.Discard, conn, 1<<20)
		close(taken)
		_, _ = io.Copy(io.Discard, conn)
	}()
	return l.Addr().String(), taken
}

// newUpload begins an exchange with a server that takes all of a file whose
// upload lasts much longer than a test.
func newUpload(t *testing.T, ctx context.Context, limit time.Duration) (c *Client, busy <-chan struct{}, end <-chan error) {
	t.Helper()
	address, busy := sink(t)
	c = newQuick(t, address, &logLines{})
	t.Cleanup(c.Close)
	path := write(t, "sparse", nil)
	const size = 1 << 43
	require.NoError(t, os.Truncate(path, size))
	fd, _, err := openFile(path)
	require.NoError(t, err)
	t.Cleanup(func() { closeFile(fd) })
	deadline := time.Now().Add(limit)
	conn, err := c.dial(ctx, c.servers[0].addr, deadline)
	require.NoError(t, err)
	t.Cleanup(conn.close)
	x := exchange{stopper: stopper{ctx, &c.closed}, session: conn, deadline: deadline, times: &c.times}
	ended := make(chan error, 1)
	go func() {
		_, err := x.instream(fd, size, make([]byte, bufferSize))
		ended <- err
	}()
	return c, busy, ended
}

func awaitError(t *testing.T, end <-chan error) error {
	t.Helper()
	select {
	case err := <-end:
		return err
	case <-time.After(slack):
		t.Fatal("the upload did not end")
		return nil
	}
}

func TestAnUploadThatNeverWaitsEndsWithTheClientItsContextAndItsDeadline(t *testing.T) {
	c, busy, end := newUpload(t, context.Background(), time.Hour)
	<-busy
	c.Close()
	assert.ErrorIs(t, awaitError(t, end), errClosed)

	ctx, cancel := context.WithCancel(context.Background())
	_, busy, end = newUpload(t, ctx, time.Hour)
	<-busy
	cancel()
	assert.ErrorIs(t, awaitError(t, end), context.Canceled)

	_, _, end = newUpload(t, context.Background(), brief)
	assert.ErrorIs(t, awaitError(t, end), errDeadline)
}

func TestTheTimesOfAnyScanTimeoutLeaveRoomForPINGs(t *testing.T) {
	for _, seconds := range []int{5, 9, 15, 30, 31, 180, 3600} {
		cfg := config(t, "127.0.0.1", &logLines{})
		cfg.ScanTimeout = time.Duration(seconds) * time.Second
		times := New(cfg).times
		assert.LessOrEqual(t, 3*times.ping, times.silence, "%d s", seconds)
		assert.GreaterOrEqual(t, times.silence, min(5*time.Second, cfg.ScanTimeout/2), "%d s", seconds)
		assert.LessOrEqual(t, 2*times.silence, cfg.ScanTimeout, "%d s: a silent server leaves time for another one", seconds)
		assert.LessOrEqual(t, times.silence, time.Minute, "%d s", seconds)
		assert.LessOrEqual(t, 3*times.dial, cfg.ScanTimeout, "%d s: a blackhole leaves time for another server", seconds)
	}
}

func TestASlowScanIsNotGivenUpWhilePINGsAreAnswered(t *testing.T) {
	const pings = 10 // two silences
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		for r, id := bufio.NewReader(conn), 1; id <= pings; {
			command, err := r.ReadString(0)
			if err != nil {
				return
			}
			if command == "zPING\x00" {
				id++
				fmt.Fprintf(conn, "%d: PONG\x00", id)
			}
		}
		fmt.Fprint(conn, "1: stream: Slow FOUND\x00")
	}()
	c := newQuick(t, l.Addr().String(), &logLines{})
	t.Cleanup(c.Close)
	deadline := time.Now().Add(enough)
	conn, err := c.dial(context.Background(), c.servers[0].addr, deadline)
	require.NoError(t, err)
	t.Cleanup(conn.close)
	fd, state, err := openFile(write(t, "sample", harmless))
	require.NoError(t, err)
	t.Cleanup(func() { closeFile(fd) })
	x := exchange{stopper: stopper{context.Background(), &c.closed}, session: conn, deadline: deadline, times: &c.times}
	begin := time.Now()
	reply, err := x.instream(fd, state.size, make([]byte, bufferSize))
	require.NoError(t, err)
	assert.Equal(t, found, reply.kind)
	assert.Greater(t, time.Since(begin), c.times.silence)
}

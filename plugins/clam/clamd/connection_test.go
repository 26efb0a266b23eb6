package clamd

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
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

func TestARestartThatOnlyIdleSessionsSawIsNoticed(t *testing.T) {
	r := newRigWith(t, overUnix, nil)
	r.isVirus()
	r.fake.Close()
	again, err := fakeclamd.New("", r.fake.Socket)
	require.NoError(t, err)
	t.Cleanup(again.Close)
	again.Set(fakeclamd.Fault{Name: "dead-engine"})
	eventually(t, "the upkeep finds the idle sessions ended", func() bool {
		r.c.mu.Lock()
		defer r.c.mu.Unlock()
		return len(r.c.servers[0].idle) == 0
	})
	result := r.scan(zipOf(t, testvirus.EICAR()), brief)
	assert.Equal(t, api.Failed, result.Verdict)
	assert.Contains(t, result.Text, "test virus")
}

func TestASessionThatEndedWhileItWasIdleGetsNoFile(t *testing.T) {
	r := newRig(t, overTCP)
	r.isVirus()
	r.c.mu.Lock()
	idle := r.c.servers[0].idle
	r.c.mu.Unlock()
	require.NotEmpty(t, idle)
	r.fake.Hangup()
	eventually(t, "the end has come", func() bool { return !idle[len(idle)-1].quiet() })
	for _, x := range idle {
		x.active = x.active.Add(-time.Minute) // long enough that it is looked at
	}
	before := r.fake.Scans()
	r.isVirus()
	assert.Equal(t, before+1, r.fake.Scans(), "once")
	assert.NotContains(t, r.log.String(), "marked down")
}

// killer is a clamd that dies, connection by connection, of a file as large
// as its limit: when it has the whole file, or in the middle of it. It finds a
// virus in what is smaller.
func killer(t *testing.T, limit uint32, whole bool) (address string, died *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	died = new(atomic.Int32)
	serve := func(conn net.Conn) {
		defer conn.Close()
		r := bufio.NewReader(conn)
		for id := 1; ; {
			command, err := r.ReadString(0)
			switch {
			case err != nil || command == "zEND\x00" || command == "zVERSION\x00":
				return
			case command == "zPING\x00":
				fmt.Fprintf(conn, "%d: PONG\x00", id)
				id++
			case command == "zINSTREAM\x00":
				deadly := false
				for n := uint32(1); n > 0; {
					if binary.Read(r, binary.BigEndian, &n) != nil {
						return
					}
					deadly = deadly || n >= limit
					if deadly && !whole {
						died.Add(1)
						_ = conn.(*net.TCPConn).SetLinger(0)
						return
					}
					if _, err := io.CopyN(io.Discard, r, int64(n)); err != nil {
						return
					}
				}
				if deadly {
					died.Add(1)
					return
				}
				fmt.Fprintf(conn, "%d: stream: Small FOUND\x00", id)
				id++
			}
		}
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return l.Addr().String(), died
}

// startNone makes a client that takes its servers for good ones, without a
// start and an upkeep.
func startNone(t *testing.T, addresses string, log *logLines) *Client {
	t.Helper()
	c := newQuick(t, addresses, log)
	t.Cleanup(c.Close)
	for _, s := range c.servers {
		s.down = false
	}
	return c
}

func TestAFileThatKillsClamdIsGivenUp(t *testing.T) {
	for whole, most := range map[bool]int32{true: maxSent, false: maxCut} {
		address, died := killer(t, chunk, whole)
		log := &logLines{}
		c := startNone(t, address, log)
		c.MaxFileSize = int64(len(large()))
		require.Equal(t, api.VirusFound, timedScan(t, c, write(t, "small", make([]byte, firstProof)), enough).Verdict)
		// The first of the deadly uploads goes over a connection that was idle.
		result := timedScan(t, c, write(t, "deadly", large()), enough)
		assert.Equal(t, api.Failed, result.Verdict)
		assert.Contains(t, result.Text, "without an answer")
		assert.Equal(t, most, died.Load(), "sent whole: %v", whole)
		assert.Equal(t, 1, strings.Count(log.String(), "is marked down"), log.String())
		assert.LessOrEqual(t, strings.Count(log.String(), "is back"), 1, log.String())
	}
}

func TestAConnectThatTheScanItselfEndsIsNotTheServersFault(t *testing.T) {
	fake := clamdtest.StartFake(t)
	fake.Close()
	fullListener(t, "tcp", fake.Addr)
	c := startNone(t, fake.Addr, &logLines{})
	c.times.dial = time.Hour
	path := write(t, "sample", harmless)
	result := timedScan(t, c, path, 200*time.Millisecond)
	assert.Equal(t, api.Failed, result.Verdict)
	assert.Contains(t, result.Text, errDeadline.Error())
	assert.True(t, c.anyUp())

	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan api.Result, 1)
	go func() { done <- c.NewScanner().Scan(ctx, api.File{Path: path}) }()
	eventually(t, "the scan is under way", c.scanning)
	cancel()
	assert.Equal(t, api.Failed, await(t, done).Verdict)
	assert.True(t, c.anyUp())
}

func TestAServerThatIsOnlyBusyIsNotBlamedByTheUpkeep(t *testing.T) {
	fake := clamdtest.StartFake(t)
	fake.Close()
	_ = os.Remove(fake.Socket)
	fullListener(t, "unix", fake.Socket)
	log := &logLines{}
	c := startNone(t, fake.Socket, log)
	s := c.servers[0]
	s.down = true
	c.lookAfter(stopper{context.Background(), &c.closed}, s)
	eventually(t, "the upkeep has met the full backlog", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return s.lastErr != nil && !s.examining
	})
	assert.ErrorIs(t, s.lastErr, syscall.EAGAIN)
	assert.Zero(t, s.failures)
	assert.Empty(t, log.String())
}

func TestWhatThisMachineLacksIsNotTheServersFault(t *testing.T) {
	for err, want := range map[error]bool{
		fmt.Errorf("%w: %w", errLost, syscall.EMFILE):       true,
		fmt.Errorf("%w: %w", errLost, syscall.ENFILE):       true,
		fmt.Errorf("%w: %w", errLost, syscall.EAGAIN):       true,
		fmt.Errorf("%w: %w", errNoSample, os.ErrPermission): true,
		fmt.Errorf("%w: %w", errLost, syscall.ECONNREFUSED): false,
		errSilent: false,
		errUnfit:  false,
	} {
		assert.Equal(t, want, notItsFault(err), "%v", err)
	}
}

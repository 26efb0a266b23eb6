package clamd

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/clamdtest"
)

// limitOf is what the client knows of the first server.
func limitOf(c *Client) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.servers[0].limit
}

// slowLine forwards connections to a server, each after a delay.
func slowLine(t *testing.T, to string, delay time.Duration) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				up, err := net.Dial("tcp", to)
				if err != nil {
					return
				}
				defer up.Close()
				go func() {
					defer conn.Close()
					_, _ = io.Copy(conn, up)
				}()
				time.Sleep(delay) // this is the fault, not a way to wait for it
				_, _ = io.Copy(up, conn)
			}()
		}
	}()
	return l.Addr().String()
}

// pastLimit is an infected file that the clamd of a test calls OK.
func pastLimit(t *testing.T) string {
	return write(t, "infected", append(make([]byte, 5<<20), eicar()...))
}

var silentLimit = map[string]string{"MaxFileSize": "3M", "AlertExceedsMax": "no"}

func TestAServerWhoseLimitsAreNotKnownYetGetsNoLargeFile(t *testing.T) {
	quickOne, slowOne := clamdtest.Start(t, nil), clamdtest.Start(t, silentLimit)
	log := &logLines{}
	c := startQuick(t, quickOne.Addr+","+slowLine(t, slowOne.Addr, 300*time.Millisecond), log, func(c *Client) {
		c.MaxFileSize = 25 << 20
	})
	infected := pastLimit(t)
	inspected := func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.servers[1].examined
	}
	for !inspected() {
		result := scan(c, infected)
		require.Equal(t, api.VirusFound, result.Verdict, result.Text)
	}
	for range 8 {
		assert.Equal(t, api.VirusFound, scan(c, infected).Verdict)
	}
	assert.Contains(t, log.String(), "larger ones are not sent there", "the checks went on after Start")
	require.NoError(t, quickOne.Stop())
	assert.NotEqual(t, api.OK, timedScan(t, c, infected, 2*time.Second).Verdict)
}

func TestALimitIsMeasuredAgainAfterARestart(t *testing.T) {
	real := clamdtest.Start(t, silentLimit)
	log := &logLines{}
	c := startQuick(t, real.Addr, log, func(c *Client) { c.MaxFileSize = 25 << 20 })
	infected := pastLimit(t)
	assert.Equal(t, api.Impossible, scan(c, infected).Verdict)
	real.SetConfig("MaxFileSize", "25M")
	require.NoError(t, real.Restart())
	eventually(t, "the limit rises to exactly that of clamd", func() bool { return limitOf(c) == 25<<20 })
	assert.Equal(t, api.VirusFound, scan(c, infected).Verdict)
	real.SetConfig("MaxFileSize", "3M")
	require.NoError(t, real.Restart())
	assert.Equal(t, api.Impossible, scan(c, infected).Verdict, "the scan waits until the limit is known")
}

func TestALimitLikeTheOneOfClamdIsKept(t *testing.T) {
	real := clamdtest.Start(t, map[string]string{"MaxFileSize": "25M", "StreamMaxLength": "25M", "AlertExceedsMax": "no"})
	for _, address := range []string{real.Addr, real.Socket} {
		log := &logLines{}
		c := start(t, config(t, address, log))
		assert.EqualValues(t, 25<<20, limitOf(c))
		assert.NotContains(t, log.String(), "larger ones")
	}
}

func TestWhatCanNotBeSentInTimeIsNotKnownToBeScanned(t *testing.T) {
	fake := clamdtest.StartFake(t)
	c := newQuick(t, fake.Addr, &logLines{})
	s := c.servers[0]
	require.NoError(t, c.meet(stopper{context.Background(), &c.closed}, s, time.Now().Add(enough)))
	defer c.Close()
	fake.Set(clamdtest.Fault{Name: "no-reply", Skip: 1})
	limit, err := c.measure(stopper{c.ctx, &c.closed}, s)
	require.NoError(t, err)
	assert.EqualValues(t, 64<<10, limit, "the probe's size: no more has been found")

	fake.Set(clamdtest.Fault{Name: "eof"})
	_, err = c.measure(stopper{c.ctx, &c.closed}, s)
	assert.ErrorIs(t, err, errLost, "that tells nothing of the limit")
	c.inspect(s)
	assert.False(t, s.examined)
}

func TestAskingForTheVersionHasBounds(t *testing.T) {
	for name, send := range map[string]func(net.Conn) error{
		"endless line": func(conn net.Conn) error {
			_, err := io.WriteString(conn, strings.Repeat("x", 1<<16))
			return err
		},
		"nothing": func(net.Conn) error { return io.EOF },
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		asked := make(chan struct{})
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			r := bufio.NewReader(conn)
			if command, _ := r.ReadString(0); command != "zVERSION\x00" {
				panic(fmt.Sprintf("%q", command))
			}
			close(asked)
			for send(conn) == nil {
			}
			_, _ = io.Copy(io.Discard, r)
		}()
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() {
			_, err := askVersion(ctx, Address{"tcp", l.Addr().String()})
			done <- err
		}()
		<-asked
		if name == "nothing" {
			cancel() // as Close does
		}
		assert.Error(t, <-done, name)
		cancel()
		_ = l.Close()
	}
}

func TestAMessageKeepsTheFilesNameAndTheAdviceWithinWhatTheHostTakes(t *testing.T) {
	socket := "/run/" + strings.Repeat("directory/", 9) + "clamd.ctl"
	c := New(config(t, socket, &logLines{}))
	defer c.Close()
	file := api.File{RealName: "ünïcode " + strings.Repeat("ä", 100) + " invoice.pdf"}
	_, err := c.dial(context.Background(), c.servers[0].addr, time.Now().Add(enough))
	require.Error(t, err)
	assert.NotContains(t, err.Error(), socket)
	for _, result := range []api.Result{
		failure(file, c.giveUp(errDeadline, at(c.servers[0], err))),
		c.result(reply{kind: failed, text: strings.Repeat("x y ", 1000)}, c.servers[0], file),
		c.result(reply{kind: overLimit, text: strings.Repeat("x y ", 1000)}, c.servers[0], file),
	} {
		assert.LessOrEqual(t, len(result.Text), 255)
		assert.True(t, strings.HasSuffix(result.Text, "invoice.pdf"), result.Text)
		assert.Contains(t, result.Text, ": ünïcode")
		assert.LessOrEqual(t, strings.Count(result.Text, socket), 1)
	}
	text := failure(file, c.giveUp(errDeadline, at(c.servers[0], err))).Text
	assert.Contains(t, text, "no such file or directory: does clamd run, and are Address and Port right?: ünïcode")
}

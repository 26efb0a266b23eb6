package clamd

import (
	"context"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/clamdtest"
	"github.com/avirkit/avirkit/plugins/clam/fakeclamd"
	"github.com/avirkit/avirkit/plugins/clam/wire"
)

func TestAMessageKeepsTheFilesNameAndTheAdviceWithinWhatTheHostTakes(t *testing.T) {
	socket := "/run/" + strings.Repeat("directory/", 9) + "clamd.ctl"
	c := New(config(t, socket, &logLines{}))
	defer c.Close()
	file := api.File{RealName: "ünïcode " + strings.Repeat("ä", 100) + " invoice.pdf"}
	server := c.servers[0]
	wait := wire.Wait{Ctx: context.Background(), Deadline: time.Now().Add(enough), Silence: time.Second, Ping: time.Second}
	_, err := server.open(&wait, c.ctx)
	require.Error(t, err)
	assert.NotContains(t, err.Error(), socket)
	for _, result := range []api.Result{
		failure(file, (&job{Client: c, last: server.at(err)}).giveUp(wire.ErrDeadline)),
		c.result(wire.Reply{Kind: wire.Refused, Text: strings.Repeat("x y ", 1000)}, server, file),
		c.result(wire.Reply{Kind: wire.OverLimit, Text: strings.Repeat("x y ", 1000)}, server, file),
	} {
		assert.LessOrEqual(t, len(result.Text), 255)
		assert.True(t, strings.HasSuffix(result.Text, "invoice.pdf"), result.Text)
		assert.Contains(t, result.Text, ": ünïcode")
		assert.LessOrEqual(t, strings.Count(result.Text, socket), 1)
	}
	text := failure(file, (&job{Client: c, last: server.at(err)}).giveUp(wire.ErrDeadline)).Text
	assert.Contains(t, text, "no such file or directory: does clamd run, and are Address and Port right?: ünïcode")
}

// banner is a server that says something at once, and then waits.
func banner(t *testing.T, text string) (address string) {
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
				_, _ = io.WriteString(conn, text)
				_, _ = io.Copy(io.Discard, conn)
			}()
		}
	}()
	return l.Addr().String()
}

func TestSomethingElseThatAnswersIsQuoted(t *testing.T) {
	for _, text := range []string{"220 mail.example.com ESMTP ready\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n<html>", "SSH-2.0-OpenSSH_9.2\n"} {
		c := newQuick(t, banner(t, text), &logLines{})
		begin := time.Now()
		err := c.Start()
		require.Error(t, err)
		first, _, _ := strings.Cut(strings.TrimSpace(text), "\r")
		assert.ErrorContains(t, err, first)
		assert.ErrorContains(t, err, "are Address and Port right?")
		assert.Less(t, time.Since(begin), slack, "nobody waits for it to become a clamd")
	}
}

func TestWhatIsWrongWithANameIsSaidInWordsOfDNS(t *testing.T) {
	for _, c := range []struct {
		err  net.DNSError
		want string
	}{
		{net.DNSError{Err: "no such host", IsNotFound: true}, "DNS doesn't know this name"},
		{net.DNSError{Err: "i/o timeout", IsTimeout: true}, "does DNS work on this machine"},
		{net.DNSError{Err: "server misbehaving", IsTemporary: true}, "does DNS work on this machine"},
	} {
		q := newQuick(t, "clamd.example:99", &logLines{})
		q.StartupTimeout = 100 * time.Millisecond
		q.lookup = func(_ context.Context, host string) ([]string, error) {
			c.err.Name = host
			return nil, &c.err
		}
		err := q.Start()
		assert.ErrorContains(t, err, c.want)
		assert.ErrorContains(t, err, "clamd.example")
		assert.NotContains(t, err.Error(), "log of clamd")
	}
}

func TestEachServerThatIsNotReadyIsToldOfOnceWithItsReason(t *testing.T) {
	good, dead, silent := clamdtest.StartFake(t), clamdtest.StartFake(t), clamdtest.StartFake(t)
	silent.Set(fakeclamd.Fault{Name: "no-reply"})
	dead.Close()
	log := &logLines{}
	startQuick(t, good.Addr+","+dead.Addr+","+dead.Socket+","+silent.Addr+","+banner(t, "220 hello\r\n"), log, nil)
	for address, reason := range map[string]string{
		dead.Addr: "connection refused: does clamd run", dead.Socket: "does clamd run", silent.Addr: "its self-test has not ended",
	} {
		assert.Regexp(t, "WRN: clamd at "+regexp.QuoteMeta(address)+" is not ready.*"+reason, log.String())
	}
	assert.Regexp(t, "is not ready.*220 hello", log.String())
	assert.Equal(t, 4, strings.Count(log.String(), "is not ready"), log.String())
	assert.NotContains(t, log.String(), "WRN: clamd at "+good.Addr)
}

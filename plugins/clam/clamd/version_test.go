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
)

func TestAskingForTheVersionHasBounds(t *testing.T) {
	c := New(config(t, "127.0.0.1", &logLines{}))
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
			_, err := newServer(Address{"tcp", l.Addr().String()}, c.settings, c.news).askVersion(ctx)
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

func TestTheAgeOfTheDatabaseIsRead(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	age, known := databaseAge("ClamAV 1.4.6/27500/Sun Nov 15 12:00:00 2026", now)
	assert.True(t, known)
	assert.Equal(t, 7*24*time.Hour, age)
	for _, version := range []string{"ClamAV 1.4.6", "", "a/b/c", "ClamAV 1.4.6/27500/"} {
		_, known := databaseAge(version, now)
		assert.False(t, known, version)
	}
}

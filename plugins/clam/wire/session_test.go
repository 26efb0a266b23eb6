package wire

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	// enough is a bound for what is expected to go well.
	enough = 30 * time.Second

	// slack is what a busy machine may add to any bound.
	slack = 20 * time.Second
)

// peer makes a session over TCP with a server that serve plays, which ends
// when the session does.
func peer(t *testing.T, serve func(conn *net.TCPConn, r *bufio.Reader)) *Session {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		l.Close() // not before: that would end a connection which nobody has accepted yet
		if err == nil {
			defer conn.Close()
			serve(conn.(*net.TCPConn), bufio.NewReader(conn))
		}
	}()
	conn, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	file, err := conn.(*net.TCPConn).File()
	require.NoError(t, err)
	_ = conn.Close()
	fd, err := syscall.Dup(int(file.Fd()))
	require.NoError(t, err)
	_ = file.Close()
	s, err := NewSession(fd, false)
	require.NoError(t, err)
	t.Cleanup(func() {
		s.Close()
		select {
		case <-done:
		case <-time.After(slack):
			t.Error("the server has not noticed the end of the session")
		}
	})
	return s
}

// stream reads what follows a command for a stream, up to its end.
func stream(r *bufio.Reader) (content []byte, err error) {
	for n := uint32(1); n > 0 && err == nil; {
		if err = binary.Read(r, binary.BigEndian, &n); err == nil {
			var p []byte
			p, err = io.ReadAll(io.LimitReader(r, int64(n)))
			content = append(content, p...)
		}
	}
	return content, err
}

// expect reads commands, each with its NUL.
func expect(r *bufio.Reader, commands ...string) error {
	for _, want := range commands {
		if got, err := r.ReadString(0); err != nil || got != want+"\x00" {
			return fmt.Errorf("%q instead of %q: %v", got, want, err)
		}
	}
	return nil
}

func wait(limit time.Duration) *Wait {
	return &Wait{Ctx: context.Background(), Deadline: time.Now().Add(limit), Silence: enough, Ping: enough}
}

// open makes a file with content and opens it.
func open(t *testing.T, content []byte) (fd int, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "sample")
	require.NoError(t, os.WriteFile(path, content, 0o644))
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = syscall.Close(fd) })
	return fd, path
}

func TestAStreamHasTheBytesOfTheFile(t *testing.T) {
	b := new(Buffer)
	for _, size := range []int{1, chunk - 1, chunk, chunk + 1, 2 * chunk, 2*chunk + 1, 6*chunk + 17} {
		content := make([]byte, size)
		_, _ = rand.New(rand.NewSource(int64(size))).Read(content)
		s := peer(t, func(conn *net.TCPConn, r *bufio.Reader) {
			err := expect(r, "zIDSESSION", "zINSTREAM")
			if err == nil {
				var got []byte
				if got, err = stream(r); err == nil && !bytes.Equal(got, content) {
					err = fmt.Errorf("%d bytes came", len(got))
				}
			}
			fmt.Fprintf(conn, "1: stream: %v FOUND\x00", err)
		})
		fd, _ := open(t, content)
		reply, err := s.Instream(wait(enough), fd, int64(size), b)
		require.NoError(t, err)
		assert.Equal(t, Reply{Found, "<nil>", 1}, reply, "%d bytes", size)
		assert.True(t, s.Reusable())
	}
}

func TestAFileThatShrinksWhileItIsSentEndsTheScan(t *testing.T) {
	fd, path := open(t, make([]byte, 16<<20))
	s := peer(t, func(_ *net.TCPConn, r *bufio.Reader) {
		_, _ = io.CopyN(io.Discard, r, 1<<20)
		_ = os.Truncate(path, 2<<20)
		_, _ = io.Copy(io.Discard, r)
	})
	_, err := s.Instream(wait(enough), fd, 16<<20, new(Buffer))
	assert.ErrorIs(t, err, ErrChanged)
	assert.False(t, s.Reusable())
}

func TestAnOKBeforeTheEndOfTheUploadIsNotBelieved(t *testing.T) {
	for verdict, believed := range map[string]bool{"stream: OK": false, "stream: Bad FOUND": true, "INSTREAM size limit exceeded. ERROR": true} {
		fd, _ := open(t, make([]byte, 16<<20))
		s := peer(t, func(conn *net.TCPConn, r *bufio.Reader) {
			_, _ = io.CopyN(io.Discard, r, 1<<20)
			fmt.Fprintf(conn, "1: %s\x00", verdict)
			_, _ = io.ReadAll(io.LimitReader(r, 1<<10)) // and then nothing more, so that the rest can't be sent
			time.Sleep(3 * slice / 2)
		})
		_, err := s.Instream(wait(enough), fd, 16<<20, new(Buffer))
		if believed {
			assert.NoError(t, err, verdict)
		} else {
			assert.ErrorIs(t, err, ErrLost, verdict)
		}
		assert.False(t, s.Reusable())
		s.Close()
	}
}

func TestENDIsSentBetweenCommandsOnly(t *testing.T) {
	received := make(chan string, 1)
	serve := func(answer string) func(conn *net.TCPConn, r *bufio.Reader) {
		return func(conn *net.TCPConn, r *bufio.Reader) {
			_ = expect(r, "zIDSESSION", "zINSTREAM")
			_, _ = io.WriteString(conn, answer)
			rest, _ := io.ReadAll(r)
			received <- string(rest)
		}
	}
	fd, _ := open(t, []byte("content"))
	s := peer(t, serve("1: stream: OK\x00"))
	_, err := s.Instream(wait(enough), fd, 7, new(Buffer))
	require.NoError(t, err)
	s.Close()
	assert.True(t, strings.HasSuffix(<-received, "zEND\x00"))

	s = peer(t, serve(""))
	_, err = s.Instream(wait(100*time.Millisecond), fd, 7, new(Buffer))
	require.ErrorIs(t, err, ErrDeadline)
	s.Close()
	assert.NotContains(t, <-received, "END", "clamd would take it for the length of a chunk")
}

func TestASecondReplyContradictsTheFirstOnlyIfItIsAVerdict(t *testing.T) {
	for second, want := range map[string]Kind{
		"":                                 Refused,
		"1: UNKNOWN COMMAND\x00":           Refused,
		"1: Can't write to file ERROR\x00": Refused,
		"1: stream: OK\x00":                Contradicted,
		"1: stream: Bad FOUND\x00":         Contradicted,
	} {
		s := peer(t, func(conn *net.TCPConn, r *bufio.Reader) {
			_ = expect(r, "zIDSESSION", "zINSTREAM")
			_, _ = stream(r)
			_, _ = io.WriteString(conn, "1: Error writing to temporary file ERROR\x00"+second)
		})
		fd, _ := open(t, []byte("content"))
		reply, err := s.Instream(wait(enough), fd, 7, new(Buffer))
		require.NoError(t, err)
		assert.Equal(t, want, reply.Kind, "%q", second)
		assert.Equal(t, "Error writing to temporary file", reply.Text)
		assert.False(t, s.Reusable(), "%q", second)
	}
}

// sink takes whatever it is sent, without a word.
func sink(_ *net.TCPConn, r *bufio.Reader) { _, _ = io.Copy(io.Discard, r) }

// longUpload sends a file whose upload lasts much longer than a test.
func longUpload(t *testing.T, w *Wait) (s *Session, end <-chan error) {
	t.Helper()
	fd, path := open(t, nil)
	const size = 1 << 43
	require.NoError(t, os.Truncate(path, size))
	s = peer(t, sink)
	ended := make(chan error, 1)
	go func() {
		_, err := s.Instream(w, fd, size, new(Buffer))
		ended <- err
	}()
	return s, ended
}

func awaitEnd(t *testing.T, end <-chan error) error {
	t.Helper()
	select {
	case err := <-end:
		return err
	case <-time.After(slack):
		t.Fatal("the exchange did not end")
		return nil
	}
}

func TestAnUploadEndsWithAnInterruptItsContextAndItsDeadline(t *testing.T) {
	s, end := longUpload(t, wait(time.Hour))
	s.Interrupt()
	assert.ErrorIs(t, awaitEnd(t, end), ErrLost)

	ctx, cancel := context.WithCancel(context.Background())
	w := wait(time.Hour)
	w.Ctx = ctx
	_, end = longUpload(t, w)
	cancel()
	assert.ErrorIs(t, awaitEnd(t, end), context.Canceled)

	_, end = longUpload(t, wait(200*time.Millisecond))
	assert.ErrorIs(t, awaitEnd(t, end), ErrDeadline)
}

func TestAWaitForTheReplyEndsWithAnInterruptItsContextAndItsBounds(t *testing.T) {
	fd, _ := open(t, []byte("content"))
	scan := func(w *Wait) (*Session, <-chan error) {
		s, ended := peer(t, sink), make(chan error, 1)
		go func() {
			_, err := s.Instream(w, fd, 7, new(Buffer))
			ended <- err
		}()
		return s, ended
	}
	s, end := scan(wait(time.Hour))
	s.Interrupt()
	assert.ErrorIs(t, awaitEnd(t, end), ErrLost)

	for _, after := range []time.Duration{0, 3 * slice / 2} { // before and after the end is watched
		ctx, cancel := context.WithCancel(context.Background())
		w := wait(time.Hour)
		w.Ctx = ctx
		_, end = scan(w)
		timer := time.AfterFunc(after, cancel)
		assert.ErrorIs(t, awaitEnd(t, end), context.Canceled)
		timer.Stop()
	}

	_, end = scan(wait(200 * time.Millisecond))
	assert.ErrorIs(t, awaitEnd(t, end), ErrDeadline)

	w := wait(time.Hour)
	w.Silence, w.Ping = 600*time.Millisecond, 200*time.Millisecond
	_, end = scan(w)
	assert.ErrorIs(t, awaitEnd(t, end), ErrSilent)
}

func TestASlowScanIsNotGivenUpWhilePINGsAreAnswered(t *testing.T) {
	const pings = 10 // two silences
	s := peer(t, func(conn *net.TCPConn, r *bufio.Reader) {
		if expect(r, "zIDSESSION", "zINSTREAM") != nil {
			return
		}
		_, _ = stream(r)
		for id := 2; id < 2+pings; id++ {
			if expect(r, "zPING") != nil {
				return
			}
			fmt.Fprintf(conn, "%d: PONG\x00", id)
		}
		fmt.Fprint(conn, "1: stream: Slow FOUND\x00")
	})
	fd, _ := open(t, []byte("content"))
	w := wait(enough)
	w.Silence, w.Ping = time.Second, 200*time.Millisecond
	begin := time.Now()
	reply, err := s.Instream(w, fd, 7, new(Buffer))
	require.NoError(t, err)
	assert.Equal(t, Found, reply.Kind)
	assert.Greater(t, time.Since(begin), w.Silence)
}

func TestWhatIsNoClamdIsQuoted(t *testing.T) {
	for text, want := range map[string]error{
		"220 mail.example.com ESMTP\r\n": ErrForeign,
		"UNKNOWN COMMAND\x00":            ErrForeign,
		"half a line":                    ErrLost,
		strings.Repeat("x", 2*maxReply):  ErrEndless,
	} {
		s := peer(t, func(conn *net.TCPConn, r *bufio.Reader) {
			_, _ = io.WriteString(conn, text)
			_ = conn.CloseWrite()
			_, _ = io.Copy(io.Discard, r) // what is unread at the end would make it a reset
		})
		require.NoError(t, s.Greet())
		err := s.AwaitPong(wait(enough))
		assert.ErrorIs(t, err, want)
		assert.ErrorContains(t, err, strings.TrimRight(text[:10], "\x00\r\n"))
	}
}

func TestASessionThatEndedWhileItWasIdleIsNoticed(t *testing.T) {
	for text, orderly := range map[string]bool{timeoutText + "\n": true, "": false, "1: PONG\x00": false} {
		s := peer(t, func(conn *net.TCPConn, r *bufio.Reader) {
			_ = expect(r, "zIDSESSION", "zPING")
			_, _ = io.WriteString(conn, "1: PONG\x00")
			_, _ = r.ReadByte() // until the test has looked
			_, _ = io.WriteString(conn, text)
		})
		require.NoError(t, s.Greet())
		require.NoError(t, s.AwaitPong(wait(enough)))
		s.active = s.active.Add(-time.Minute)
		ended, _ := s.Ended()
		require.False(t, ended)
		_, err := syscall.Write(s.fd, []byte("x"))
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			events, _ := poll(s.fd, pollIn, 0)
			return events != 0
		}, slack, time.Millisecond)
		ended, told := s.Ended()
		assert.True(t, ended, "%q", text)
		assert.Equal(t, orderly, told, "%q", text)
	}
}

func TestASessionEndsLongBeforeItsIdsDo(t *testing.T) {
	s := Session{lastID: 1<<20 - 1}
	assert.True(t, s.Reusable())
	s.command(nil, "PING")
	assert.False(t, s.Reusable())
}

func TestAllOfAFileIsRead(t *testing.T) {
	b := new(Buffer)
	for _, size := range []int{1, 5, len(b), readAtOnce, readAtOnce + 1, 3*readAtOnce - 1} {
		fd, _ := open(t, make([]byte, size))
		assert.NoError(t, b.CheckReadable(wait(enough), fd, int64(size)), "%d bytes", size)
		assert.ErrorIs(t, b.CheckReadable(wait(enough), fd, int64(size)+1), ErrChanged, "%d bytes", size)
		assert.ErrorIs(t, b.CheckReadable(wait(0), fd, int64(size)), ErrDeadline)
	}
}

package fakeclamd

import (
	"bytes"
	"io"
	"net"
	"strings"

	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

// misbehave answers a scan after the whole file has come.
func (c *conn) misbehave(fault Fault, changed <-chan struct{}, label string, content []byte) error {
	verdict := label + Detect(content)
	switch fault.Name {
	case "no-reply":
		return c.ignore()
	case "eof":
		return errHangup
	case "half-reply":
		_ = c.write(strings.TrimRight(c.frame(c.id, verdict), "\x00\n"))
		return errHangup
	case "slow-reply":
		for _, b := range []byte(c.frame(c.id, verdict)) {
			if err := c.write(string(rune(b))); err != nil {
				return err
			}
		}
		return nil
	case "size-limit":
		_ = c.reply("INSTREAM size limit exceeded. ERROR")
		return errHangup
	case "idle-timeout":
		_ = c.reply(verdict)
		_ = c.write("COMMAND READ TIMED OUT\n")
		return errHangup
	case "timeout":
		_ = c.write("COMMAND READ TIMED OUT\n")
		return errHangup
	case "wrong-id":
		return c.write(c.frame(c.id+1, verdict))
	case "stale-id":
		return c.write(c.frame(c.id-1, verdict))
	case "two-replies":
		return c.write(c.frame(c.id, label+"Can't open file or directory ERROR") + c.frame(c.id, label+"OK"))
	case "ok-then-found":
		return c.write(c.frame(c.id, label+"OK") + c.frame(c.id, label+testvirus.SignatureName+" FOUND"))
	case "await-ping":
		c.held = c.frame(c.id, verdict)
		return nil
	case "hold":
		select {
		case <-changed:
		case <-c.gone:
		}
	case "pong":
		return c.write(c.frame(c.id, "PONG") + c.frame(c.id, verdict))
	case "endless":
		for range 64 {
			if err := c.write(strings.Repeat("x", 64<<10)); err != nil {
				return err
			}
		}
		return c.ignore()
	case "dead-engine":
		return c.reply(label + "OK")
	case "refuse-plain":
		if isPlain(content) {
			return c.reply(label + "Can't allocate memory ERROR")
		}
	case "eof-plain":
		if isPlain(content) {
			return errHangup
		}
	case "reply":
		return c.reply(fault.Text)
	}
	return c.reply(verdict)
}

// isPlain tells a user's file from the archives of a self-test.
func isPlain(content []byte) bool { return !bytes.HasPrefix(content, []byte("PK")) }

// interrupt misbehaves in the middle of a stream, when content has come, the
// length of the next chunk is known, and the rest has not been asked for.
func (c *conn) interrupt(fault Fault, content []byte) error {
	switch fault.Name {
	case "stop-reading":
		<-c.gone // what the client sends meanwhile fills the buffers
		return errHangup
	case "reset-with-reply":
		_ = c.reply("INSTREAM size limit exceeded. ERROR")
		return c.reset()
	case "reset":
		return c.reset()
	case "cut-plain":
		if len(content) > 0 && isPlain(content) {
			return c.reset()
		}
	}
	return nil
}

// reset closes the connection so that the other end gets a reset: bytes that
// it has sent are still unread.
func (c *conn) reset() error {
	if tcp, ok := c.conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	return errHangup
}

// ignore reads on without an answer until the other end hangs up.
func (c *conn) ignore() error {
	_, _ = io.Copy(io.Discard, c.conn)
	return errHangup
}

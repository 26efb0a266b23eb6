package fakeclamd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
)

// streamMaxLength is clamd's default StreamMaxLength.
const streamMaxLength = 100 << 20

// conn is one connection to a Server.
type conn struct {
	fake    *Server
	conn    net.Conn
	buf     []byte // read and not used yet
	files   []int  // descriptors that came and were not used yet
	session bool
	id      int
	end     byte   // terminator of the commands, NUL or LF
	held    string // a verdict that waits for a PING

	gone chan struct{} // closed by hangup
	once sync.Once
}

// errHangup ends a connection without a word.
var errHangup = errors.New("hang up")

func newConn(f *Server, c net.Conn) *conn {
	return &conn{fake: f, conn: c, gone: make(chan struct{})}
}

// hangup ends the connection from any goroutine.
func (c *conn) hangup() {
	c.once.Do(func() {
		close(c.gone)
		_ = c.conn.Close()
	})
}

func (c *conn) serve() {
	defer func() {
		c.hangup()
		for _, fd := range c.files {
			_ = syscall.Close(fd)
		}
	}()
	for {
		command, err := c.command()
		if err != nil {
			return
		}
		if c.session {
			c.id++
		}
		if err := c.execute(command); err != nil || !c.session {
			return
		}
	}
}

func (c *conn) execute(command string) error {
	name, argument, _ := strings.Cut(command, " ")
	switch {
	case name == "IDSESSION" && !c.session && !c.fake.refusesSessions():
		c.session = true
		return nil
	case name == "END" && c.session:
		return errHangup
	case name == "PING":
		c.fake.countPing()
		if err := c.reply("PONG"); err != nil || c.held == "" {
			return err
		}
		held := c.held
		c.held = ""
		return c.write(held)
	case name == "VERSION":
		return c.reply(c.fake.versionNow())
	case name == "RELOAD" && !c.session:
		return c.reply("RELOADING")
	case name == "INSTREAM":
		return c.instream()
	case name == "FILDES":
		return c.fildes()
	case name == "SCAN":
		content, err := os.ReadFile(argument)
		if err != nil {
			return c.reply(argument + ": File path check failure: " + err.Error() + ". ERROR")
		}
		return c.verdict(argument+": ", content)
	case c.session:
		_ = c.reply("Command invalid inside IDSESSION. ERROR")
		return errHangup
	}
	_ = c.reply("UNKNOWN COMMAND")
	return errHangup
}

// command reads up to the terminator that the command's first byte names.
func (c *conn) command() (string, error) {
	for len(c.buf) < 1 {
		if err := c.read(); err != nil {
			return "", err
		}
	}
	c.end = '\n'
	if c.buf[0] == 'z' {
		c.end = 0
	}
	for {
		if i := bytes.IndexByte(c.buf, c.end); i >= 0 {
			command := strings.TrimLeft(string(c.buf[:i]), "zn")
			c.buf = c.buf[i+1:]
			return command, nil
		}
		if len(c.buf) > 8<<10 {
			return "", errHangup
		}
		if err := c.read(); err != nil {
			return "", err
		}
	}
}

// read takes bytes and descriptors from the connection.
func (c *conn) read() error {
	p := make([]byte, 64<<10)
	unix, ok := c.conn.(*net.UnixConn)
	if !ok {
		n, err := c.conn.Read(p)
		c.buf = append(c.buf, p[:n]...)
		return err
	}
	oob := make([]byte, syscall.CmsgSpace(4*4))
	n, oobn, _, _, err := unix.ReadMsgUnix(p, oob)
	if err != nil {
		return err
	}
	if n == 0 {
		return io.EOF
	}
	c.buf = append(c.buf, p[:n]...)
	messages, err := syscall.ParseSocketControlMessage(oob[:oobn])
	for _, m := range messages {
		fds, _ := syscall.ParseUnixRights(&m)
		c.files = append(c.files, fds...)
	}
	return err
}

// exactly reads n bytes.
func (c *conn) exactly(n int) ([]byte, error) {
	for len(c.buf) < n {
		if err := c.read(); err != nil {
			return nil, err
		}
	}
	p := c.buf[:n]
	c.buf = c.buf[n:]
	return p, nil
}

func (c *conn) instream() error {
	fault, changed := c.fake.next()
	var content []byte
	for {
		p, err := c.exactly(4)
		if err != nil {
			return err
		}
		n := int64(binary.BigEndian.Uint32(p))
		if n == 0 {
			return c.misbehave(fault, changed, "stream: ", content)
		}
		if int64(len(content))+n > streamMaxLength {
			_ = c.reply("INSTREAM size limit exceeded. ERROR")
			return errHangup
		}
		if err := c.interrupt(fault, content); err != nil {
			return err
		}
		if p, err = c.exactly(int(n)); err != nil {
			return err
		}
		if len(content) == 0 {
			c.fake.countFile(p)
		}
		content = append(content, p...)
	}
}

func (c *conn) fildes() error {
	fault, changed := c.fake.next()
	if _, err := c.exactly(1); err != nil {
		return err
	}
	if len(c.files) == 0 {
		_ = c.reply("No file descriptor received. ERROR")
		return errHangup
	}
	fd := c.files[0]
	c.files = c.files[1:]
	label := fmt.Sprintf("fd[%d]: ", fd)
	f := os.NewFile(uintptr(fd), label)
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return c.reply(label + "Not a regular file ERROR")
	}
	content, err := io.ReadAll(io.NewSectionReader(f, 0, info.Size()))
	if err != nil { // clamd says OK for what it can't read
		content = nil
	}
	c.fake.countFile(content)
	return c.misbehave(fault, changed, label, content)
}

// reply answers one command.
func (c *conn) reply(text string) error { return c.write(c.frame(c.id, text)) }

func (c *conn) frame(id int, text string) string {
	if c.session {
		text = fmt.Sprintf("%d: %s", id, text)
	}
	return text + string(rune(c.end))
}

func (c *conn) write(s string) error {
	_, err := io.WriteString(c.conn, s)
	return err
}

func (c *conn) verdict(label string, content []byte) error {
	return c.reply(label + Detect(content))
}

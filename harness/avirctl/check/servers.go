package check

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/avirkit/avirkit/harness/host"
)

// server is a clamd that the plugin asks.
type server struct {
	network string // unix or tcp
	address string // as the administrator writes it
}

func (s server) String() string { return s.address }

// here tells whether its clamd can only be on this machine.
func (s server) here() bool {
	name, _, _ := net.SplitHostPort(s.address)
	ip := net.ParseIP(name)
	return s.network == "unix" || name == "localhost" || ip != nil && ip.IsLoopback()
}

// findServers reads the option Address. Where nobody gave it, clamd.conf tells
// where the clamd of this machine listens.
func (r *run) findServers() error {
	address := r.setting("Address", "")
	if listens := r.listens(); address == "" && len(listens) > 0 {
		address, r.guessed = listens[0], true
		if r.library.Name == clamPlugin { // another one has no such option
			r.Settings = append(r.Settings, host.Setting{Name: "Address", Value: address})
		}
	}
	if address == "" {
		address = "127.0.0.1"
	}
	fields := strings.FieldsFunc(address, func(c rune) bool { return c == ',' || c == ';' || c == ' ' || c == '\t' })
	for _, field := range fields {
		field = strings.TrimPrefix(strings.TrimPrefix(field, "unix://"), "unix:")
		if path.IsAbs(field) {
			r.servers = append(r.servers, server{"unix", field})
			continue
		}
		field = strings.TrimPrefix(field, "tcp://")
		if _, _, err := net.SplitHostPort(field); err != nil {
			field = net.JoinHostPort(strings.Trim(field, "[]"), r.setting("Port", "3310"))
		}
		r.servers = append(r.servers, server{"tcp", field})
	}
	if len(r.servers) == 0 {
		return fmt.Errorf("--set Address=%s names no server", address)
	}
	return nil
}

// unixSockets are the servers on this machine.
func (r *run) unixSockets() []server {
	var found []server
	for _, s := range r.servers {
		if s.network == "unix" {
			found = append(found, s)
		}
	}
	return found
}

// askTime bounds one question to clamd. A clamd that reloads its signatures
// without ConcurrentDatabaseReload is silent for longer.
const askTime = 10 * time.Second

func (r *run) dial(s server) (net.Conn, error) {
	address := s.address
	if s.network == "unix" {
		address = r.Machine.Path(address)
	}
	ctx, cancel := context.WithTimeout(r.ctx, askTime)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, s.network, address)
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Now().Add(askTime))
}

// ask sends one command outside of a session and returns the reply.
func (r *run) ask(s server, command string) (string, error) {
	conn, err := r.dial(s)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "z"+command+"\x00"); err != nil {
		return "", err
	}
	return readReply(conn)
}

func readReply(conn net.Conn) (string, error) {
	reply, err := io.ReadAll(io.LimitReader(conn, 1024))
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(reply), "\x00\n"), nil
}

// passDescriptor lets clamd scan an open file, as the plugin does.
func (r *run) passDescriptor(s server, f *os.File) (string, error) {
	conn, err := r.dial(s)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return "", fmt.Errorf("%s is no unix socket", s)
	}
	if _, _, err := unix.WriteMsgUnix([]byte("zFILDES\x00\x00"), syscall.UnixRights(int(f.Fd())), nil); err != nil {
		return "", err
	}
	return readReply(conn)
}

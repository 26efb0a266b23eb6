// Package realclamd runs this machine's clamd with a database of one
// signature, ports and folders of its own.
package realclamd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

// ErrNotInstalled says that this machine has no clamd.
var ErrNotInstalled = errors.New("no clamd on this machine: install the Debian packages clamav-daemon and clamdscan")

// startLimit bounds the time from starting clamd to its first PONG. With a
// database of one signature it needs about a second.
const startLimit = 60 * time.Second

// Clamd is a real clamd with folders, a TCP port on 127.0.0.1 and a unix
// socket of its own. Its methods are for one goroutine.
type Clamd struct {
	Host   string // always 127.0.0.1
	Port   int
	Addr   string // Host:Port
	Socket string // path of the unix socket
	Dir    string // holds all that follows
	DBDir  string // DatabaseDirectory
	TmpDir string // TemporaryDirectory
	Config string // path of clamd.conf

	binary string
	config map[string]string
	cmd    *exec.Cmd
	exited chan error
	output *tail
}

// New makes the files of a clamd in dir, which must exist, and starts it.
// config overrides lines of clamd.conf; an empty value removes a line, and
// "A\nB" writes the line twice, as for ExcludePath.
//
// dir must be short: a unix socket's path has at most 107 bytes.
func New(dir string, config map[string]string) (*Clamd, error) {
	binary, err := Binary()
	if err != nil {
		return nil, err
	}
	c := &Clamd{
		Host:   "127.0.0.1",
		Dir:    dir,
		DBDir:  filepath.Join(dir, "db"),
		TmpDir: filepath.Join(dir, "tmp"),
		Socket: filepath.Join(dir, "clamd.sock"),
		Config: filepath.Join(dir, "clamd.conf"),
		binary: binary,
		config: config,
	}
	signature := fmt.Sprintf("%s:0:*:%x\n", testvirus.SignatureName, testvirus.EICAR()) // anywhere in a file of any type
	for _, d := range []string{c.DBDir, c.TmpDir} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, fmt.Errorf("make clamd's folder: %w", err)
		}
	}
	if err := os.WriteFile(filepath.Join(c.DBDir, "eicar.ndb"), []byte(signature), 0o644); err != nil {
		return nil, fmt.Errorf("write clamd's database: %w", err)
	}
	// Another process can take the free port before clamd does.
	for range 3 {
		if c.Port, err = freePort(); err != nil {
			return nil, err
		}
		c.Addr = net.JoinHostPort(c.Host, strconv.Itoa(c.Port))
		if err = c.Start(); err == nil || !strings.Contains(c.output.String(), "in use") {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Binary returns the path of this machine's clamd, or ErrNotInstalled.
func Binary() (string, error) {
	if path, err := exec.LookPath("clamd"); err == nil {
		return path, nil
	}
	// An ordinary user's PATH has no sbin.
	const debian = "/usr/sbin/clamd"
	if _, err := os.Stat(debian); err != nil {
		return "", ErrNotInstalled
	}
	return debian, nil
}

// SetConfig overrides one line of clamd.conf from the next Start on.
func (c *Clamd) SetConfig(name, value string) {
	merged := map[string]string{name: value}
	for k, v := range c.config {
		if k != name {
			merged[k] = v
		}
	}
	c.config = merged
}

// writeConfig writes clamd.conf. The settings are the ones that the plugin's
// README recommends, so that an OK means that the file was scanned.
func (c *Clamd) writeConfig() error {
	lines := map[string]string{
		"Foreground":         "yes",
		"DatabaseDirectory":  c.DBDir,
		"TemporaryDirectory": c.TmpDir,
		"LocalSocket":        c.Socket,
		"TCPSocket":          strconv.Itoa(c.Port),
		"TCPAddr":            c.Host,
		"LogTime":            "yes",
		"AlertEncrypted":     "yes",
		"AlertExceedsMax":    "yes",
		"SelfCheck":          "0",
	}
	for k, v := range c.config {
		lines[k] = v
	}
	names := make([]string, 0, len(lines))
	for name := range lines {
		names = append(names, name)
	}
	slices.Sort(names)
	var b bytes.Buffer
	for _, name := range names {
		for _, value := range strings.Split(lines[name], "\n") {
			if value != "" {
				fmt.Fprintf(&b, "%s %s\n", name, value)
			}
		}
	}
	if err := os.WriteFile(c.Config, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write clamd's configuration: %w", err)
	}
	return nil
}

// Start starts clamd again after Stop or Kill, at the same port and socket,
// and returns when it answers.
func (c *Clamd) Start() error {
	if err := c.StartLater(); err != nil {
		return err
	}
	return c.WaitReady(startLimit)
}

// StartLater starts clamd and doesn't wait until it answers.
func (c *Clamd) StartLater() error {
	if c.cmd != nil {
		return errors.New("start clamd: it runs already")
	}
	if err := c.writeConfig(); err != nil {
		return err
	}
	cmd := exec.Command(c.binary, "--config-file", c.Config)
	c.output = &tail{}
	cmd.Stdout, cmd.Stderr = c.output, c.output
	// No clamd outlives a test that crashed.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started, exited := make(chan error), make(chan error, 1)
	go func() {
		// The kernel takes the thread that forked for the parent: it must
		// not end before clamd, as a caller's locked thread may.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			exited <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start clamd: %w", err)
	}
	c.cmd, c.exited = cmd, exited
	return nil
}

// WaitReady returns when clamd answers PING on all its sockets.
func (c *Clamd) WaitReady(limit time.Duration) error {
	type socket struct{ network, address string }
	var sockets []socket
	if v, set := c.config["TCPSocket"]; !set || v != "" {
		sockets = append(sockets, socket{"tcp", c.Addr})
	}
	if v, set := c.config["LocalSocket"]; !set || v != "" {
		sockets = append(sockets, socket{"unix", c.Socket})
	}
	deadline := time.Now().Add(limit)
	for len(sockets) > 0 {
		select {
		case err := <-c.exited:
			c.cmd = nil
			return fmt.Errorf("clamd ended before it was ready (%v):\n%s", err, c.output)
		default:
		}
		if err := ping(sockets[0].network, sockets[0].address); err == nil {
			sockets = sockets[1:]
			continue
		} else if time.Now().After(deadline) {
			_ = c.Kill()
			return fmt.Errorf("clamd not ready after %v: %w:\n%s", limit, err, c.output)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}

// ping asks clamd outside of a session.
func ping(network, address string) error {
	conn, err := net.DialTimeout(network, address, 5*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(conn, "zPING\x00"); err != nil {
		return err
	}
	reply, err := io.ReadAll(io.LimitReader(conn, 64))
	if err != nil {
		return err
	}
	if string(reply) != "PONG\x00" {
		return fmt.Errorf("PING answered with %q", reply)
	}
	return nil
}

// freePort finds a TCP port of 127.0.0.1 that nobody listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

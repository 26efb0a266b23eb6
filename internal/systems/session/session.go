// Package session gives a run on real systems a temporary environment: a
// folder, a name, and a keeper that removes whatever the run leaves.
//
// The keeper is a process of its own. It notices by a closed pipe that the run
// has ended, be it killed, then ends the run's processes and machines, and
// removes its files.
package session

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/run"
)

//go:embed keeper.sh
var keeperScript string

// Mode says what a run consists of beside processes and files. keeper.sh takes
// it as its first argument.
type Mode string

// The modes of a session.
const (
	Plain         Mode = "plain"   // nothing else
	OwnLibvirt    Mode = "own"     // a libvirtd of this run, in namespaces of its own
	SystemLibvirt Mode = "libvirt" // machines of this system's libvirtd
	VirtualBox    Mode = "virtualbox"
)

// endLimit bounds the time that the keeper may take to remove everything.
const endLimit = 60 * time.Second

// runVariable marks the processes of a run: all that this process starts
// inherit it, and the keeper kills who has it.
const runVariable = "AVIR_RUN"

// Session is the temporary environment of one run.
type Session struct {
	Mode  Mode
	Name  string // of the network and the pool; the machines' and boxes' names begin with it
	Dir   string // files of the run
	Short string // folder with a short path, which unix sockets need

	keeper  *exec.Cmd
	pipe    io.WriteCloser
	ended   chan struct{}
	output  bytes.Buffer // of the keeper; complete after ended
	release func() bool  // stops watching the context
	outer   string       // runVariable before this session
}

// Options say what session to begin.
type Options struct {
	Cache string            // folder for the sessions' folders
	Mode  Mode              // Plain if empty
	Home  string            // Vagrant's folder with boxes, if the run uses Vagrant
	Files map[string]string // files that the session's folder holds from the start
}

var count atomic.Int32

// Begin makes a session. It ends by End, or when ctx does, or when this process
// does. Begin first removes what earlier runs have left in the same cache.
func Begin(ctx context.Context, o Options) (*Session, error) {
	if err := sweep(ctx, o.Cache, false); err != nil {
		return nil, err
	}
	if o.Mode == "" {
		o.Mode = Plain
	}
	name := fmt.Sprintf("avirkit-%d-%d", os.Getpid(), count.Add(1))
	s := &Session{Mode: o.Mode, Name: name, Dir: runDir(o.Cache, name), Short: filepath.Join("/tmp", name), ended: make(chan struct{})}
	if err := s.start(o); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.Dir), os.RemoveAll(s.Short))
	}
	go func() {
		_ = s.keeper.Wait()
		close(s.ended)
	}()
	s.outer = os.Getenv(runVariable)
	s.release = context.AfterFunc(ctx, func() { s.pipe.Close() })
	return s, os.Setenv(runVariable, name)
}

func (s *Session) start(o Options) error {
	files := map[string]string{"keeper.sh": keeperScript, "mode": string(s.Mode), "home": o.Home}
	for name, text := range o.Files {
		files[name] = text
	}
	for name, text := range files {
		if err := atomicdir.WriteFile(s.Path(name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	for _, dir := range []string{s.Dir, s.Short} {
		if err := makeFolder(dir); err != nil {
			return err
		}
	}
	s.keeper = run.Command{
		Name: "sh", Args: []string{s.Path("keeper.sh"), string(s.Mode), s.Dir, s.Name}, Dir: "/",
		Env: []string{runVariable + "="}, // another session's keeper must not take this one for its run's
	}.Cmd(context.Background())
	s.keeper.Stdout, s.keeper.Stderr = &s.output, &s.output
	// A session of its own: the terminal's Ctrl-C must not end the keeper.
	s.keeper.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if s.Mode == OwnLibvirt {
		s.keeper.SysProcAttr.Cloneflags = syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET
	}
	var err error
	if s.pipe, err = s.keeper.StdinPipe(); err == nil {
		err = s.keeper.Start()
	}
	if errors.Is(err, syscall.EPERM) {
		return errors.New("this system lets root make no namespaces, which a libvirt for one run needs: use a privileged container, or a machine with libvirt or VirtualBox (AVIR_VM_PROVIDER=libvirt takes this system's libvirt); mage test:floor needs neither")
	}
	if err != nil {
		return fmt.Errorf("start the keeper of the run: %w", err)
	}
	return nil
}

func runDir(cache, name string) string { return filepath.Join(cache, "run-"+name) }

// Path returns the path of a file in the session's folder.
func (s *Session) Path(name string) string { return filepath.Join(s.Dir, name) }

// Folder makes a folder in the session's folder.
func (s *Session) Folder(name string) (string, error) {
	dir := s.Path(name)
	return dir, makeFolder(dir)
}

// makeFolder makes a folder that other users can read, whatever the umask is:
// apt's own user does, and the QEMU of this system's libvirt.
func makeFolder(dir string) error {
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.Chmod(dir, 0o755)); err != nil {
		return fmt.Errorf("make a folder of the run: %w", err)
	}
	return nil
}

// Command returns a command that reaches the provider of the machines: the
// libvirtd in the keeper's namespaces, or a VirtualBox beside the user's own.
func (s *Session) Command(name string, args ...string) run.Command {
	switch s.Mode {
	case VirtualBox: // as in keeper.sh
		return run.Command{Name: name, Args: args, Env: []string{"VBOX_USER_HOME=" + s.Path("vbox"), "VBOX_IPC_SOCKETID=" + s.Name}}
	case OwnLibvirt:
		enter := []string{"--target", strconv.Itoa(s.keeper.Process.Pid), "--mount", "--net", "--pid", name}
		return run.Command{Name: "nsenter", Args: append(enter, args...)}
	}
	return run.Command{Name: name, Args: args}
}

// Ended returns what the keeper said if it has ended.
func (s *Session) Ended() (output string, ended bool) {
	select {
	case <-s.ended:
		return strings.TrimSpace(s.output.String()), true
	default:
		return "", false
	}
}

// End ends the run's processes and machines and removes its files.
func (s *Session) End() error {
	s.leave()
	s.pipe.Close()
	select {
	case <-s.ended:
	case <-time.After(endLimit):
		return fmt.Errorf("the files in %s are still not removed: the next run tries again", s.Dir)
	}
	if run.Exists(s.Dir) {
		return fmt.Errorf("the files in %s could not be removed: %s", s.Dir, strings.TrimSpace(s.output.String()))
	}
	return nil
}

// Keep leaves the run to the user, who ends it by removing the file KeptFile.
func (s *Session) Keep() error {
	s.leave()
	if err := os.WriteFile(s.KeptFile(), nil, 0o644); err != nil {
		return err
	}
	_, err := io.WriteString(s.pipe, "keep\n")
	return errors.Join(err, s.pipe.Close())
}

// KeptFile is the file whose removal ends a run that Keep has left.
func (s *Session) KeptFile() string { return s.Path("kept") }

func (s *Session) leave() {
	s.release()
	_ = os.Setenv(runVariable, s.outer)
}

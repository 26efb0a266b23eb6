package machines

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
	"syscall"
	"time"

	"github.com/avirkit/avirkit/internal/run"
)

//go:embed keeper.sh
var keeperScript string

// mode says who runs the machines. It is what keeper.sh takes.
type mode string

const (
	ownLibvirt    mode = "own"     // a libvirtd of this run, in namespaces of its own
	systemLibvirt mode = "libvirt" // the machine's
	virtualBox    mode = "virtualbox"
	plain         mode = "plain" // nobody: the run has no machines, but processes and files
)

func (m mode) provider() string {
	if m == virtualBox {
		return "virtualbox"
	}
	return "libvirt"
}

// How long things may take that have nothing to do with a guest.
const (
	startLimit = 60 * time.Second // libvirtd until it answers
	endLimit   = 60 * time.Second // the keeper until all is removed
)

// A session is one run's surroundings: its folder, its name, and the keeper
// that ends what the run has started. The keeper is a process outside of this
// one, and notices by a closed pipe that this one has ended. For ownLibvirt
// it is the first process of new namespaces, so that the kernel ends
// everything in them with it.
type session struct {
	mode mode
	dir  string // everything of the run that is a file
	name string // of the network and the pool; the machines' and boxes' begin with it
	home string // where Vagrant keeps its boxes; empty for a run without Vagrant

	keeper  *exec.Cmd
	pipe    io.WriteCloser
	ended   chan struct{}
	output  bytes.Buffer // of the keeper; read it only after ended
	release func() bool  // stops watching the context
}

// begin makes a session. When ctx ends, so does it: the keeper doesn't wait
// for the commands of the run.
func begin(ctx context.Context, cache string, m mode, home string) (*session, error) {
	s := &session{mode: m, name: "avirkit-" + strconv.Itoa(os.Getpid()), home: home, ended: make(chan struct{})}
	s.dir = runDir(cache, s.name)
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of the run: %w", err)
	}
	if err := s.writeFiles(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	s.keeper = exec.Command("sh", s.path("keeper.sh"), string(m), s.dir, s.name)
	s.keeper.Dir = "/"
	s.keeper.Stdout, s.keeper.Stderr = &s.output, &s.output
	// A Ctrl-C of the terminal is not for the keeper.
	s.keeper.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if m == ownLibvirt {
		s.keeper.SysProcAttr.Cloneflags = syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET
	}
	var err error
	if s.pipe, err = s.keeper.StdinPipe(); err == nil {
		err = s.keeper.Start()
	}
	if err != nil {
		os.RemoveAll(s.dir)
		if errors.Is(err, syscall.EPERM) {
			return nil, errors.New("this system lets root make no namespaces, which a libvirt for one run needs: use a privileged container, or a machine with libvirt or VirtualBox (AVIR_VM_PROVIDER=libvirt takes this system's libvirt); mage test:floor needs neither")
		}
		return nil, fmt.Errorf("start the keeper of the run: %w", err)
	}
	go func() {
		_ = s.keeper.Wait()
		close(s.ended)
	}()
	s.release = context.AfterFunc(ctx, func() { s.pipe.Close() })
	return s, nil
}

// runDir is the folder of a run.
func runDir(cache, name string) string { return filepath.Join(cache, "run-"+name) }

func (s *session) path(name string) string { return filepath.Join(s.dir, name) }

func (s *session) writeFiles() error {
	files := map[string]string{"keeper.sh": keeperScript, "mode": string(s.mode), "home": s.home}
	if s.mode == ownLibvirt {
		for name, text := range libvirtFiles {
			files["etc/libvirt/"+name] = text
		}
	}
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(s.path(name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("write a file of the run: %w", err)
		}
	}
	return nil
}

// command returns a command that runs where the machines can be reached, and
// that the keeper ends.
func (s *session) command(name string, args ...string) run.Command {
	c := run.Command{Name: name, Args: args, Env: []string{"AVIR_VM_RUN=" + s.name}}
	if s.mode == virtualBox {
		// A VirtualBox of its own beside the user's, as keeper.sh has it.
		c.Env = append(c.Env, "VBOX_USER_HOME="+s.path("vbox"), "VBOX_IPC_SOCKETID="+s.name)
	}
	if s.mode == ownLibvirt {
		c.Name = "nsenter"
		c.Args = append([]string{"--target", strconv.Itoa(s.keeper.Process.Pid), "--mount", "--net", "--pid", name}, args...)
	}
	return c
}

// end ends the session and everything in it, or leaves it to the user.
func (s *session) end(keep bool) error {
	s.release()
	if keep {
		if err := os.WriteFile(s.path("kept"), nil, 0o644); err != nil {
			return err
		}
		_, err := io.WriteString(s.pipe, "keep\n")
		return errors.Join(err, s.pipe.Close())
	}
	s.pipe.Close()
	select {
	case <-s.ended:
	case <-time.After(endLimit):
		return fmt.Errorf("the machines' files in %s are still not removed: the next run tries again", s.dir)
	}
	if exists(s.dir) {
		return fmt.Errorf("the machines' files in %s could not be removed: %s", s.dir, strings.TrimSpace(s.output.String()))
	}
	return nil
}

// sweep ends what earlier runs have left: kept machines, and whatever
// remained where even the keeper was killed. The caller holds the lock.
func sweep(ctx context.Context, cache string) error {
	left, err := filepath.Glob(runDir(cache, "avirkit-*"))
	if err != nil {
		return err
	}
	for _, dir := range left {
		err := run.Step(ctx, "sweep up "+dir, nil, func(ctx context.Context) (string, error) {
			return "", sweepRun(ctx, dir)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func sweepRun(ctx context.Context, dir string) error {
	_ = os.Remove(filepath.Join(dir, "kept"))
	// A keeper that lives is about to do it.
	for deadline := time.Now().Add(endLimit); keeperLives(dir); {
		if time.Now().After(deadline) {
			return fmt.Errorf("a keeper of %s still runs: end it", dir)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
	if !exists(dir) {
		return nil
	}
	how, err := os.ReadFile(filepath.Join(dir, "mode"))
	if err != nil || mode(how) == ownLibvirt {
		how = []byte(plain) // of a libvirt in namespaces nothing else can be left
	}
	script := filepath.Join(dir, "keeper.sh")
	if err := os.WriteFile(script, []byte(keeperScript), 0o644); err != nil {
		return fmt.Errorf("sweep up %s: %w", dir, err)
	}
	// Its standard input is empty: it ends the run at once.
	_, err = run.Command{
		Name: "sh", Args: []string{script, string(how), dir, strings.TrimPrefix(filepath.Base(dir), "run-")},
		Hint: "end by hand what is named above, then remove " + dir,
	}.Run(ctx)
	return err
}

// keeperLives says whether a process runs the keeper of a run's folder.
func keeperLives(dir string) bool {
	commands, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range commands {
		text, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(text), "\x00"+filepath.Join(dir, "keeper.sh")+"\x00") {
			return true
		}
	}
	return false
}

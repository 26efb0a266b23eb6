package machines

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/systems/session"
	"github.com/avirkit/avirkit/internal/systems/settings"
)

// vagrant runs Vagrant's commands for one session.
type vagrant struct {
	*session.Session
	home    string // where Vagrant keeps its boxes
	dir     string // vagrant/
	driver  string // of libvirt; empty for VirtualBox
	timeout time.Duration
}

// prepare makes ready what the machines need of their provider, and writes the
// values that the Vagrantfile reads. A provider that doesn't work says so here,
// before anything is built.
func (t *testRun) prepare(ctx context.Context, machines []*settings.Machine) error {
	var why, network string
	var err error
	if t.driver, why, err = pickDriver(ctx, t.Session); err != nil {
		return err
	}
	if t.driver != "" {
		run.Printf("driver %s: %s", t.driver, why)
	}
	if t.timeout, err = bootTimeout(t.driver); err != nil {
		return err
	}
	if t.Mode == session.VirtualBox {
		_, err = t.Command("VBoxManage", "setproperty", "machinefolder", t.Path("vms")).Run(ctx)
	} else {
		err = run.Step(ctx, "network and storage pool "+t.Name, nil, func(ctx context.Context) (string, error) {
			network, err = t.prepareLibvirt(ctx)
			return network, err
		})
	}
	if err != nil {
		return err
	}
	for _, m := range machines {
		if t.Mode == session.OwnLibvirt {
			m.Console = t.Path(m.Name + ".console")
		}
		if m.Bootless {
			// The QEMU of this system's libvirt runs as a user who can't enter a
			// home folder, where Vagrant unpacks its boxes.
			m.Boot = filepath.Join(t.Short, m.Name)
			if err := os.CopyFS(m.Boot, os.DirFS(m.File+".boot")); err != nil {
				return fmt.Errorf("copy the kernel of %s: %w", m.Name, err)
			}
			if err := atomicdir.Readable(m.Boot); err != nil {
				return err
			}
		}
	}
	return settings.Run{
		Name: t.Name, Driver: t.driver, Network: network, BootTimeout: int(t.timeout.Seconds()),
	}.Write(t.Path("resolved.yml"), machines)
}

// bootTimeout is how long a guest may take until its sshd answers. The
// stand-in boxes need half a minute emulated on a machine with nothing else to
// do.
func bootTimeout(driver string) (time.Duration, error) {
	text := os.Getenv("AVIR_VM_BOOT_TIMEOUT")
	if text == "" {
		if driver == driverQEMU {
			return 10 * time.Minute, nil
		}
		return 5 * time.Minute, nil
	}
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds < 1 {
		return 0, fmt.Errorf("AVIR_VM_BOOT_TIMEOUT is %q: it must be a number of seconds", text)
	}
	return time.Duration(seconds) * time.Second, nil
}

// homeOf returns the folder where Vagrant keeps boxes, and plugins if they
// are not Debian's: the user's own, but for a libvirt of our own, which comes
// with Debian's Vagrant.
func homeOf(cache string, p session.Mode) (string, error) {
	if home := os.Getenv("VAGRANT_HOME"); home != "" {
		return filepath.Abs(home)
	}
	if p == session.OwnLibvirt {
		return filepath.Join(cache, "vagrant"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("look for Vagrant's folder: %w", err)
	}
	return filepath.Join(home, ".vagrant.d"), nil
}

// command returns a command of Vagrant's. What it says on standard error makes
// sense only together with its standard output. Vagrant's state of the machines
// lies in the run's folder and goes with it.
func (v *vagrant) command(args ...string) run.Command {
	c := v.Command("vagrant", args...)
	c.Joined = true
	c.Env = append(c.Env,
		"VAGRANT_CWD="+v.dir, "VAGRANT_HOME="+v.home, "VAGRANT_DOTFILE_PATH="+v.Path("vagrant"),
		"VAGRANT_DEFAULT_PROVIDER="+providerName(v.Mode), "VAGRANT_CHECKPOINT_DISABLE=1", "VAGRANT_NO_COLOR=1",
		settings.ResolvedVariable+"="+v.Path("resolved.yml"))
	return c
}

// chatter is what Vagrant says that explains no failure: progress bars and the
// stack of a Ruby exception.
var chatter = regexp.MustCompile(`^\s*from /|Progress: \d+%|^==> .*: +-- `)

// bootBegins is what Vagrant says when the guest starts.
var bootBegins = regexp.MustCompile(`(?i)(starting domain|waiting for (domain|machine))`)

// up starts a machine and returns when its sshd lets us in. Vagrant's output
// goes also to a log in dir.
func (v *vagrant) up(ctx context.Context, m *settings.Machine, dir string) error {
	log, err := os.Create(filepath.Join(dir, "vagrant.log"))
	if err != nil {
		return fmt.Errorf("keep what Vagrant says: %w", err)
	}
	defer log.Close()
	// Vagrant waits that long for an address and for sshd each, after it has
	// fetched the box: the limit here starts with the guest.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var once sync.Once
	said := &run.Tail{Keep: 12, Skip: chatter, Each: func(line string) {
		if bootBegins.MatchString(line) {
			once.Do(func() { time.AfterFunc(v.timeout, func() { cancel(v.notReady(m)) }) })
		}
	}}
	c := v.command("up", m.Name, "--no-provision", "--provider", providerName(v.Mode))
	c.Stdout = io.MultiWriter(log, said)
	watch := func() string {
		if line := lastLineOf(m.Console); line != "" {
			return "console: " + line
		}
		return said.Last()
	}
	return run.Step(ctx, "boot "+m.Name, watch, func(ctx context.Context) (string, error) {
		_, err := c.Run(ctx)
		switch {
		case ctx.Err() != nil:
			return "", context.Cause(ctx)
		case err != nil:
			return "", explain(m, said.String())
		}
		return "", nil
	})
}

// destroy ends a machine and removes its disk.
func (v *vagrant) destroy(ctx context.Context, m *settings.Machine) error {
	_, err := v.command("destroy", "--force", m.Name).Run(ctx)
	return err
}

// lastLineOf returns the last line of a file that grows, "" if there is none.
func lastLineOf(path string) string {
	data, _ := os.ReadFile(path)
	var end run.Tail
	fmt.Fprintf(&end, "%s\n", data[max(0, len(data)-4096):])
	return end.Last()
}

package machines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/avirkit/avirkit/internal/run"
)

// clamdPort is where a guest finds this machine's clamd.
const clamdPort = 3398

// checkLimit bounds the tests in one machine; the long ones are those with
// the full waiting test and all repetitions, emulated.
const (
	checkLimit     = 45 * time.Minute
	checkLimitFull = 3 * time.Hour
)

// checkLine is the command line that unpacks the kit and runs it. An emulated
// processor gets four times the time for each call of a plugin.
func checkLine(m *Machine, emulated, full, clamd bool) string {
	args := []string{m.Packages}
	if emulated {
		args = append(args, "limit=120s")
	}
	if full {
		args = append(args, "wait=150s", "full=1")
	} else {
		args = append(args, "wait=5s")
	}
	if m.KernelFloor != "" {
		args = append(args, "floor="+m.KernelFloor)
	}
	if clamd {
		args = append(args, fmt.Sprintf("clamd=%d", clamdPort))
	}
	return "rm -rf avirkit && mkdir avirkit && tar -xf - -C avirkit && sudo -n sh avirkit/check.sh " + strings.Join(args, " ")
}

// check runs check.sh in a machine. Its whole output goes also to log.
func (v *vagrant) check(ctx context.Context, m *Machine, h sshHost, k kit, o Options, socket string, log io.Writer) (*outcome, error) {
	limit := checkLimit
	if o.Full {
		limit = checkLimitFull
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the tests in %s did not end within %v", m.Name, limit))
	defer cancel()
	var forward []string
	if socket != "" {
		forward = reverse(clamdPort, socket)
	}
	c := v.session.command("ssh", sshArgs(h, m.OldSSH, forward, checkLine(m, v.driver == driverQEMU, o.Full, socket != ""))...)
	kitTar, err := os.CreateTemp(v.dirOf("kits"), m.Name+"-")
	if err != nil {
		return nil, err
	}
	defer kitTar.Close()
	if err := k.of(m.Packages).write(kitTar); err != nil {
		return nil, err
	}
	if _, err := kitTar.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	result := &outcome{machine: m.Name}
	c.Stdin, c.Stdout = kitTar, io.MultiWriter(log, result)
	err = run.Step(ctx, "test in "+m.Name, result.progress, func(ctx context.Context) (string, error) {
		_, err := c.Run(ctx)
		if result.ended() {
			return result.summary(), result.err() // whatever failed has said so
		}
		return "", explainSSH(m, err)
	})
	return result, err
}

func (v *vagrant) dirOf(name string) string {
	dir := v.path(name)
	_ = os.MkdirAll(dir, 0o755)
	return dir
}

// fetch copies what the tests have written in a machine into dir.
func (v *vagrant) fetch(ctx context.Context, m *Machine, h sshHost, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	file := filepath.Join(v.dirOf("results"), m.Name+".tar")
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	// Not by run.Command: this output is nothing for a terminal.
	c := v.session.command("ssh", sshArgs(h, m.OldSSH, nil, "tar -cf - -C avirkit/out .")...)
	cmd := exec.CommandContext(ctx, c.Name, c.Args...)
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.Stdout = f
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("copy the results of %s: %w", m.Name, err)
	}
	_, err = run.Command{Name: "tar", Args: []string{"-xf", file, "-C", dir, "--no-same-owner"}}.Run(ctx)
	return err
}

// explainSSH puts a remedy before what ssh said.
func explainSSH(m *Machine, err error) error {
	if err == nil {
		return fmt.Errorf("the tests in %s said nothing of their end", m.Name)
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "no matching host key type"), strings.Contains(text, "no matching key exchange"), strings.Contains(text, "no matching cipher"):
		return fmt.Errorf("the sshd of %s is too old for this ssh: set old_ssh: true for it\n%w", m.Name, err)
	case strings.Contains(text, "Permission denied"):
		return fmt.Errorf("the sshd of %s refuses Vagrant's key: does its box have the user vagrant with that key?\n%w", m.Name, err)
	case strings.Contains(text, "must have a tty"):
		return fmt.Errorf("sudo in %s wants a terminal: remove Defaults requiretty from /etc/sudoers of its box\n%w", m.Name, err)
	case strings.Contains(text, "sudo:"):
		return fmt.Errorf("the user vagrant of %s can't become root without a password: its box must allow that\n%w", m.Name, err)
	}
	return errors.Join(fmt.Errorf("the tests in %s ended before their end", m.Name), err)
}

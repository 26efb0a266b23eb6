package machines

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/systems/settings"
)

// guest is a machine that is up. One connection of ssh serves all commands: an
// emulated processor needs seconds for a new one.
type guest struct {
	vagrant
	machine *settings.Machine
	config  string // what vagrant ssh-config prints
}

// clamdPort is where a guest finds this machine's clamd, on its own loopback.
const clamdPort = 3398

// connect asks Vagrant how to reach a machine and opens the connection. The
// guest gets a tunnel to the unix socket, unless that is empty.
func (v vagrant) connect(ctx context.Context, m *settings.Machine, socket string) (*guest, error) {
	g := &guest{vagrant: v, machine: m, config: v.Path(m.Name + ".ssh")}
	text, err := v.command("ssh-config", m.Name).Run(ctx)
	if err != nil {
		return nil, err
	}
	if err := atomicdir.WriteFile(g.config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	var tunnel []string
	if socket != "" {
		tunnel = []string{"-R", fmt.Sprintf("127.0.0.1:%d:%s", clamdPort, socket)}
	}
	return g, g.explained(g.ssh("true", tunnel...).Run(ctx))
}

// ssh returns a command that runs a line in the guest's shell, as its user
// vagrant. The machine is new, so nothing is known of its key.
func (g *guest) ssh(line string, options ...string) run.Command {
	args := []string{"-F", g.config, "-T"}
	all := []string{
		"BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "GlobalKnownHostsFile=/dev/null",
		// ssh tells why an old sshd won't do as information only.
		"LogLevel=INFO",
		"ConnectTimeout=60", "ServerAliveInterval=60", "ServerAliveCountMax=10", "ExitOnForwardFailure=yes",
		"ControlMaster=auto", "ControlPersist=yes", "ControlPath=" + filepath.Join(g.Short, g.machine.Name+".ctl"),
	}
	if g.machine.OldSSH {
		all = append(all, settings.OldSSH...)
	}
	for _, option := range all {
		args = append(args, "-o", option)
	}
	return g.Command("ssh", append(append(args, options...), g.machine.Name, line)...)
}

// prelude is what every script begins with.
const prelude = `PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
export PATH LC_ALL
mkdir -p avirkit
cd avirkit
`

// sudo returns a command that runs a script as root in the folder of the kit.
// It is sh -e of Debian 6's dash and CentOS 6's bash.
func (g *guest) sudo(script string) run.Command {
	// The script's programs must not read the rest of it as their input.
	c := g.ssh(`script=$(cat); exec sudo -n sh -ec "$script" < /dev/null 2>&1`)
	c.Stdin = strings.NewReader(prelude + script)
	return c
}

// explained takes what a command in the guest returned, and puts a remedy
// before what ssh or sudo said.
func (g *guest) explained(_ string, err error) error {
	if err == nil {
		return nil
	}
	return explain(g.machine, err.Error())
}

// upload copies the kit into the guest.
func (g *guest) upload(ctx context.Context, k kit) error {
	path := g.Path(g.machine.Name + ".kit")
	defer os.Remove(path)
	if err := k.pack(ctx, path, g.machine); err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	c := g.ssh("sudo -n rm -rf avirkit && mkdir -p avirkit/out && tar -xf - -C avirkit")
	c.Stdin = file
	return g.explained(c.Run(ctx))
}

// download copies what the tests have written in the guest into dir.
func (g *guest) download(ctx context.Context, dir string) error {
	file, err := os.Create(g.Path(g.machine.Name + ".results"))
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	c := g.ssh("tar -cf - -C avirkit/out .")
	c.Data = file
	if _, err := c.Run(ctx); err != nil {
		return g.explained("", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := unpackResults(file, dir); err != nil {
		return fmt.Errorf("unpack the results of %s: %w", g.machine.Name, err)
	}
	return nil
}

// resultsLimit bounds what is taken of a guest, in bytes.
const resultsLimit = 256 << 20

// unpackResults unpacks the regular files of a tar file into dir, without their
// owners, modes and folders: a guest is not trusted to name a place on this
// machine.
func unpackResults(from io.Reader, dir string) error {
	r := tar.NewReader(io.LimitReader(from, resultsLimit))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		name := filepath.Base(filepath.Clean("/" + h.Name))
		if h.Typeflag != tar.TypeReg || strings.HasPrefix(name, ".") || name == "/" {
			continue
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if err := atomicdir.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
}

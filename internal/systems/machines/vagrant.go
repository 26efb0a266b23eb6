package machines

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/avirkit/avirkit/internal/run"
)

// vagrant runs Vagrant's commands for one session.
type vagrant struct {
	*session
	dir     string   // vagrant/
	driver  string   // of libvirt; empty for VirtualBox
	env     []string // what the Vagrantfile and Vagrant take from the environment
	timeout time.Duration
}

// bootTimeout is how long a guest may take until its sshd answers. The
// stand-in boxes need 15 s emulated on a machine with nothing else to do.
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

// vagrantEnv returns the environment of Vagrant's commands. Vagrant's state
// of the machines lies in the run's folder and goes with it.
func vagrantEnv(s *session, dir, driver, network string, machines []*Machine, timeout time.Duration) []string {
	env := []string{
		"VAGRANT_CWD=" + dir,
		"VAGRANT_HOME=" + s.home,
		"VAGRANT_DOTFILE_PATH=" + s.path("vagrant"),
		"VAGRANT_DEFAULT_PROVIDER=" + s.mode.provider(),
		"VAGRANT_CHECKPOINT_DISABLE=1",
		"VAGRANT_NO_COLOR=1",
		SettingsVariable + "=" + s.path("machines.yml"),
		"AVIR_VM_NETWORK=" + network,
		fmt.Sprintf("AVIR_VM_BOOT_TIMEOUT=%.0f", timeout.Seconds()),
	}
	if driver != "" {
		env = append(env, "AVIR_VM_DRIVER="+driver)
	}
	// The settings hold them already; a relative path means nothing there.
	for _, m := range machines {
		env = append(env, boxVariable(m.Name)+"=")
	}
	return env
}

// homeOf returns the folder where Vagrant keeps boxes, and plugins if they
// are not Debian's: the user's own, but for a libvirt of our own, which comes
// with Debian's Vagrant.
func homeOf(cache string, m mode) (string, error) {
	if home := os.Getenv("VAGRANT_HOME"); home != "" {
		return filepath.Abs(home)
	}
	if m == ownLibvirt {
		return filepath.Join(cache, "vagrant"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("look for Vagrant's folder: %w", err)
	}
	return filepath.Join(home, ".vagrant.d"), nil
}

// vagrantCommand returns a command of Vagrant's. What it says on standard
// error goes to its standard output, as both make sense only together.
func (s *session) vagrantCommand(env []string, args ...string) run.Command {
	c := s.command("sh", append([]string{"-c", `exec vagrant "$@" 2>&1`, "vagrant"}, args...)...)
	c.Env = append(c.Env, env...)
	return c
}

func (v *vagrant) command(args ...string) run.Command { return v.vagrantCommand(v.env, args...) }

// up starts a machine and returns when its sshd lets us in. Vagrant's output
// goes also to log.
func (v *vagrant) up(ctx context.Context, m *Machine, log io.Writer) error {
	// Vagrant waits that long for an address and for sshd each, after it has
	// fetched the box: the limit here starts with the guest.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var last lastLine
	started := &onLine{match: regexp.MustCompile(`(?i)(starting domain|waiting for (domain|machine))`)}
	started.do = func() {
		time.AfterFunc(v.timeout, func() {
			cancel(fmt.Errorf("the guest did not get ready within %v: does its box boot here? AVIR_VM_BOOT_TIMEOUT=seconds gives it more time%s",
				v.timeout, v.consoleTail(m)))
		})
	}
	var said complaint
	c := v.command("up", m.Name, "--no-provision", "--provider", v.mode.provider())
	c.Stdout = io.MultiWriter(log, &last, started, &said)
	watch := func() string {
		if line := lastLineOf(m.Console); line != "" {
			return "console: " + line
		}
		return last.String()
	}
	return run.Step(ctx, "boot "+m.Name, watch, func(ctx context.Context) (string, error) {
		_, err := c.Run(ctx)
		switch {
		case ctx.Err() != nil:
			return "", context.Cause(ctx)
		case err != nil:
			return "", explainVagrant(m, said.String())
		}
		return "", nil
	})
}

// destroy ends a machine and removes its disk.
func (v *vagrant) destroy(ctx context.Context, m *Machine) error {
	_, err := v.command("destroy", "--force", m.Name).Run(ctx)
	return err
}

// consoleTail returns the end of what the guest's console said, for an error.
func (v *vagrant) consoleTail(m *Machine) string {
	if m.Console == "" {
		return "" // the system's libvirt and VirtualBox have no file for it
	}
	data, err := os.ReadFile(m.Console)
	if err != nil || len(data) == 0 {
		return "; its console said nothing"
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	if len(lines) > 8 {
		lines = lines[len(lines)-8:]
	}
	for i, line := range lines {
		lines[i] = "\n\t" + printable(line)
	}
	return "; the end of its console:" + strings.Join(lines, "")
}

// lastLineOf returns the last line of a file that grows, "" if there is none.
func lastLineOf(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > 4096 {
		_, _ = f.Seek(-4096, io.SeekEnd)
	}
	data, _ := io.ReadAll(io.LimitReader(f, 4096))
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return printable(lines[len(lines)-1])
}

// onLine calls do once, when what is written to it first matches.
type onLine struct {
	match *regexp.Regexp
	do    func()
	rest  string
}

// Write takes a part of a command's output.
func (o *onLine) Write(p []byte) (int, error) {
	if o.do != nil {
		o.rest += string(p)
		if o.match.MatchString(o.rest) {
			o.do()
			o.do, o.rest = nil, ""
		}
		o.rest = tail(o.rest)
	}
	return len(p), nil
}

// vagrantTroubles are what Vagrant says when something is missing, and what
// to do about it.
var vagrantTroubles = []struct{ says, means string }{
	{`could not be found or\s+could not be accessed in the remote catalog|Couldn't resolve host|Could not resolve host|error occurred while downloading`,
		"no box for machine {machine}: {box} is not on this machine and could not be fetched: connect the network, set {variable} to a box or a box file, or run mage vm:box, which makes a stand-in"},
	{`box you're attempting to add doesn't support the provider`,
		"box {box} of machine {machine} does not exist for this provider: set AVIR_VM_PROVIDER, or {variable} to a box that does (vagrant/README.md tells how to convert one)"},
	// QEMU's, which the system's libvirt runs as another user.
	{`(vmlinuz|initrd|kernel)[^\n]*Permission denied|Permission denied[^\n]*(vmlinuz|initrd|kernel)`,
		"this system's QEMU runs as another user, who can't read the kernel of box {box}: give others x on every folder above Vagrant's boxes " +
			"(chmod o+x ~ ~/.vagrant.d), or set VAGRANT_HOME to a folder that all can enter"},
	{`No space left on device`, "the disk is full: free some space and run this again"},
	{`Cannot allocate memory`, "not enough memory for machine {machine}: end something, or lower its memory in vagrant/local.yml"},
	{`provider 'libvirt' could not be found`,
		"Vagrant has no plugin for libvirt: install the Debian package vagrant-libvirt, or run: vagrant plugin install vagrant-libvirt; AVIR_VM_PROVIDER=virtualbox takes VirtualBox"},
	{`Authentication failure|Warning: Connection refused|Timed out while waiting for the machine to boot`,
		"the sshd of machine {machine} does not let Vagrant in: does box {box} have the user vagrant with Vagrant's insecure key?"},
}

// explainVagrant makes an error of what Vagrant said before it gave up, with
// a remedy if one is known.
func explainVagrant(m *Machine, said string) error {
	box := m.Box
	if m.File != "" {
		box = m.File
	}
	for _, t := range vagrantTroubles {
		if regexp.MustCompile(`(?s)` + t.says).MatchString(said) {
			means := strings.NewReplacer("{machine}", m.Name, "{box}", box, "{variable}", boxVariable(m.Name)).Replace(t.means)
			return fmt.Errorf("%s\n%s", means, said)
		}
	}
	return fmt.Errorf("vagrant gave up:\n%s", said)
}

// complaint keeps the end of what Vagrant said, without progress bars and
// without the stack of a Ruby exception.
type complaint struct {
	rest  string
	lines []string
}

var noise = regexp.MustCompile(`^\s*from /|Progress: \d+%|^\s*$|^==> .*: +-- `)

// Write takes a part of Vagrant's output.
func (c *complaint) Write(p []byte) (int, error) {
	parts := strings.Split(c.rest+string(p), "\n")
	c.rest = tail(parts[len(parts)-1])
	for _, line := range parts[:len(parts)-1] {
		if noise.MatchString(line) {
			continue
		}
		c.lines = append(c.lines, "\t"+printable(line))
		if len(c.lines) > 12 {
			c.lines = c.lines[1:]
		}
	}
	return len(p), nil
}

// String returns the last lines.
func (c *complaint) String() string { return strings.Join(c.lines, "\n") }

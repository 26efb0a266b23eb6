package machines

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/systems/settings"
)

// troubles are what Vagrant, ssh or sudo says when something is wrong, and what
// to do about it; the first that matches counts. "Connection refused" is none of
// them: every boot says it until sshd runs.
var troubles = []struct{ says, means string }{
	{`could not be found or\s+could not be accessed in the remote catalog|Couldn't resolve host|Could not resolve host|error occurred while downloading`,
		"no box for machine {machine}: {box} is not on this machine and could not be fetched: connect the network, set {variable} to a box or a box file, or run mage vm:box, which makes a stand-in"},
	{`doesn't (support|match) the\s+provider`,
		"box {box} of machine {machine} is not for this provider: set AVIR_VM_PROVIDER, or convert the box and set {variable} to the new file (vagrant/README.md tells how)"},
	{`checksum of the downloaded box did not match`,
		"what was fetched for machine {machine} is not the box that was meant: compare sha256 in its settings with the box's publisher"},
	// QEMU's, which the system's libvirt runs as another user.
	{`(vmlinuz|initrd|kernel)[^\n]*Permission denied|Permission denied[^\n]*(vmlinuz|initrd|kernel)`,
		"this system's QEMU runs as another user, who can't read the kernel of box {box}: give others x on every folder above Vagrant's boxes " +
			"(chmod o+x ~ ~/.vagrant.d), or set VAGRANT_HOME to a folder that all can enter"},
	{`No space left on device`, "the disk is full: free some space and run this again"},
	{`Cannot allocate memory`, "not enough memory for machine {machine}: end something, or lower its memory in vagrant/local.yml"},
	{`provider 'libvirt' could not be found`,
		"Vagrant has no plugin for libvirt: install the Debian package vagrant-libvirt, or run: vagrant plugin install vagrant-libvirt; AVIR_VM_PROVIDER=virtualbox takes VirtualBox"},
	{`must have a tty to run sudo`,
		"sudo in {machine} wants a terminal: remove Defaults requiretty from /etc/sudoers of its box"},
	{`sudo: [^\n]*(password|terminal|no tty present)|is not in the sudoers file`,
		"the user vagrant of {machine} can't become root without a password: its box must allow that (NOPASSWD in /etc/sudoers)"},
	{`no matching (host key type|key exchange|cipher|MAC)`,
		"the sshd of {machine} is too old for this ssh: set old_ssh: true for it"},
	{`Authentication failure|Permission denied \(`,
		"the sshd of {machine} refuses Vagrant's key: does its box {box} have the user vagrant with that key?"},
	{`Timed out while waiting for the machine to boot`,
		"machine {machine} did not get ready: the end of its console in dist/vm/{machine}/console.log tells how far it came"},
}

// explain makes an error of what a program said before it gave up, with a
// remedy if one is known.
func explain(m *settings.Machine, said string) error {
	box := m.Box
	if m.File != "" {
		box = m.File
	}
	said = "\t" + strings.ReplaceAll(said, "\n", "\n\t")
	for _, t := range troubles {
		if regexp.MustCompile(t.says).MatchString(said) {
			means := strings.NewReplacer("{machine}", m.Name, "{box}", box, "{variable}", settings.BoxVariable(m.Name)).Replace(t.means)
			return fmt.Errorf("%s\n%s", means, said)
		}
	}
	return fmt.Errorf("machine %s failed, for a reason that is not known here:\n%s", m.Name, said)
}

// noRoot is what kernels and initial RAM disks say that don't find the disk.
var noRoot = regexp.MustCompile(`Unable to mount root|Cannot open root device|ALERT! .* does not exist|Gave up waiting for root|no root device|mount: could not find filesystem|can't find root`)

// panicLines are those of a console that tell why a boot stopped.
var panicLines = regexp.MustCompile(`Kernel panic|BUG: |Oops|Out of memory|` + noRoot.String())

// notReady says why a guest did not get ready, as far as its console tells:
// first the lines of a panic, wherever they are, then the end.
func (v *vagrant) notReady(m *settings.Machine) error {
	text := fmt.Sprintf("the guest did not get ready within %v: does its box boot here? AVIR_VM_BOOT_TIMEOUT=seconds gives it more time", v.timeout)
	if m.Console == "" { // the system's libvirt and VirtualBox have no file for it
		return fmt.Errorf("%s", text)
	}
	data, err := os.ReadFile(m.Console)
	if err != nil || len(data) == 0 {
		return fmt.Errorf("%s; its console said nothing", text)
	}
	if noRoot.Match(data) {
		text = fmt.Sprintf("the guest does not find its disk: set disk_bus: sata, or ide, for machine %s in vagrant/local.yml", m.Name)
	}
	end := &run.Tail{Keep: 8}
	reasons := &run.Tail{Keep: 4}
	for line := range strings.Lines(string(data)) {
		if panicLines.MatchString(line) {
			fmt.Fprintln(reasons, strings.TrimSpace(line))
		}
		fmt.Fprintln(end, strings.TrimSpace(line))
	}
	if reasons.Last() != "" {
		text += "; its console says:\n\t" + strings.ReplaceAll(reasons.String(), "\n", "\n\t")
	}
	return fmt.Errorf("%s\nthe end of its console:\n\t%s", text, strings.ReplaceAll(end.String(), "\n", "\n\t"))
}

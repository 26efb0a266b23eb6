package machines

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/avirkit/avirkit/internal/systems/settings"
)

// boot is what Vagrant says in every boot, also in good ones.
const boot = "    debian6: Warning: Connection refused. Retrying...\n    debian6: Warning: Connection refused. Retrying...\n==> debian6: Machine booted and ready!\n"

func TestWhatVagrantSSHAndSudoSayComesWithARemedy(t *testing.T) {
	m := &settings.Machine{Name: "debian6", Box: "bento/debian-6.0.10-i386"}
	for says, remedy := range map[string]string{
		"The box 'bento/debian-6.0.10-i386' could not be found or\ncould not be accessed in the remote catalog.":                             "set AVIR_BOX_DEBIAN6 to a box or a box file, or run mage vm:box",
		"The box you're attempting to add doesn't support the provider\nyou requested.":                                                      "convert the box",
		"The box you attempted to add doesn't match the provider\nyou specified.\n\nProvider expected: libvirt\nProvider of box: virtualbox": "convert the box and set AVIR_BOX_DEBIAN6",
		"The checksum of the downloaded box did not match the expected\nvalue.":                                                              "compare sha256",
		"curl: (6) Could not resolve host: somewhere":                                                                                        "connect the network",
		"could not open kernel file '/root/.vagrant.d/boxes/b/0/libvirt/vmlinuz': Permission denied":                                         "can't read the kernel",
		"cannot write: No space left on device":                                                                                              "the disk is full",
		"qemu: cannot set up guest memory: Cannot allocate memory":                                                                           "not enough memory for machine debian6",
		"The provider 'libvirt' could not be found, but was requested":                                                                       "vagrant plugin install vagrant-libvirt",
		boot + "Stderr from the command:\n\nsudo: sorry, you must have a tty to run sudo":                                                    "remove Defaults requiretty",
		boot + "Stderr from the command:\n\nsudo: a password is required":                                                                    "can't become root without a password",
		boot + "sudo: a terminal is required to read the password; either use the -S option":                                                 "can't become root without a password",
		boot + "sudo: no tty present and no askpass program specified":                                                                       "can't become root without a password",
		boot + "vagrant is not in the sudoers file.  This incident will be reported.":                                                        "can't become root without a password",
		"Unable to negotiate with 1.2.3.4 port 22: no matching host key type found. Their offer: ssh-rsa":                                    "set old_ssh: true",
		"Unable to negotiate with 1.2.3.4 port 22: no matching key exchange method found.":                                                   "set old_ssh: true",
		"vagrant@1.2.3.4: Permission denied (publickey).":                                                                                    "refuses Vagrant's key",
		boot + "    debian6: Warning: Authentication failure. Retrying...":                                                                   "refuses Vagrant's key",
		"Timed out while waiting for the machine to boot.":                                                                                   "the end of its console in dist/vm/debian6/console.log",
		boot + "something new": "for a reason that is not known here",
	} {
		first, rest, _ := strings.Cut(explain(m, says).Error(), "\n")
		assert.Contains(t, first, remedy, says)
		assert.Contains(t, rest, strings.ReplaceAll(says, "\n", "\n\t"), "the program's own words")
	}
}

func TestTheConsoleExplainsABootThatFailed(t *testing.T) {
	v := &vagrant{timeout: time.Minute}
	stack := strings.Repeat(" [<c01>] ? early\r\n", 50)
	for name, c := range map[string]struct {
		console string
		has     []string
	}{
		"a kernel without the disk's driver": {
			stack + "VFS: Cannot open root device \"vda1\" or unknown-block(0,0)\r\nKernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n" + stack,
			[]string{"set disk_bus: sata, or ide, for machine debian6", "Kernel panic - not syncing: VFS: Unable to mount root fs", "Cannot open root device", "early"},
		},
		"a RAM disk without it": {
			"Gave up waiting for root device.\nALERT!  /dev/disk/by-uuid/1 does not exist.  Dropping to a shell!\n(initramfs)\n",
			[]string{"set disk_bus", "ALERT!  /dev/disk/by-uuid/1 does not exist"},
		},
		"another panic": {"\x1b[1mKernel panic - not syncing: no init\x1b[0m\r\n" + stack, []string{"did not get ready within 1m0s", "Kernel panic - not syncing: no init"}},
		"a slow boot":   {"Starting sshd\n", []string{"did not get ready within 1m0s", "AVIR_VM_BOOT_TIMEOUT", "Starting sshd"}},
		"nothing":       {"", []string{"its console said nothing"}},
	} {
		t.Run(name, func(t *testing.T) {
			console := write(t, filepath.Join(t.TempDir(), "console"), c.console)
			text := v.notReady(&settings.Machine{Name: "debian6", Console: console}).Error()
			for _, want := range c.has {
				assert.Contains(t, text, want)
			}
			assert.LessOrEqual(t, strings.Count(text, "early"), 8)
			if !strings.Contains(strings.Join(c.has, ""), "disk_bus") {
				assert.NotContains(t, text, "disk_bus")
			}
		})
	}
	assert.NotContains(t, v.notReady(&settings.Machine{}).Error(), "console", "nobody listened to it")
	console := write(t, filepath.Join(t.TempDir(), "console"), "early\nlast \x1b[1mline\r\n")
	assert.Equal(t, "last [1mline", lastLineOf(console))
	assert.Empty(t, lastLineOf("/nonexistent"))
}

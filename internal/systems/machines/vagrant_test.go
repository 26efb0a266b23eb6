package machines

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestVagrantKeepsItsStateInTheFolderOfTheRun(t *testing.T) {
	s := &session{mode: ownLibvirt, dir: "/cache/run-avirkit-1", name: "avirkit-1", home: "/cache/vagrant"}
	env := vagrantEnv(s, "/src/vagrant", driverQEMU, "192.168.121.0/24", []*Machine{{Name: "debian6"}}, 90*time.Second)
	assert.Subset(t, env, []string{
		"VAGRANT_CWD=/src/vagrant",
		"VAGRANT_DOTFILE_PATH=/cache/run-avirkit-1/vagrant",
		"VAGRANT_HOME=/cache/vagrant",
		"VAGRANT_DEFAULT_PROVIDER=libvirt",
		"AVIR_VM_SETTINGS=/cache/run-avirkit-1/machines.yml",
		"AVIR_VM_NETWORK=192.168.121.0/24",
		"AVIR_VM_DRIVER=qemu",
		"AVIR_VM_BOOT_TIMEOUT=90",
		"AVIR_BOX_DEBIAN6=", // a relative path would mean another file there
	})
	env = vagrantEnv(&session{mode: virtualBox, dir: "/r"}, "/v", "", "", nil, time.Second)
	assert.Contains(t, env, "VAGRANT_DEFAULT_PROVIDER=virtualbox")
	for _, e := range env {
		assert.False(t, strings.HasPrefix(e, "AVIR_VM_DRIVER="))
	}
}

func TestOnlyALibvirtOfOurOwnKeepsBoxesInTheCache(t *testing.T) {
	t.Setenv("VAGRANT_HOME", "")
	t.Setenv("HOME", "/home/me")
	for m, want := range map[mode]string{ownLibvirt: "/cache/vagrant", systemLibvirt: "/home/me/.vagrant.d", virtualBox: "/home/me/.vagrant.d"} {
		home, err := homeOf("/cache", m)
		require.NoError(t, err)
		assert.Equal(t, want, home)
	}
	t.Setenv("VAGRANT_HOME", "/elsewhere")
	home, err := homeOf("/cache", ownLibvirt)
	require.NoError(t, err)
	assert.Equal(t, "/elsewhere", home)
}

func TestAnErrorOfVagrantSaysWhatToDo(t *testing.T) {
	m := &Machine{Name: "debian6", Box: "bento/debian-6.0.10-i386"}
	for says, remedy := range map[string]string{
		"The box 'bento/debian-6.0.10-i386' could not be found or\n\tcould not be accessed in the remote catalog.": "set AVIR_BOX_DEBIAN6 to a box or a box file, or run mage vm:box",
		"The box you're attempting to add doesn't support the provider\n\tyou requested.":                          "set AVIR_VM_PROVIDER, or AVIR_BOX_DEBIAN6",
		"curl: (6) Could not resolve host: somewhere":                                                              "connect the network",
		"could not open kernel file '/root/.vagrant.d/boxes/b/0/libvirt/vmlinuz': Permission denied":               "can't read the kernel",
		"cannot write: No space left on device":                                                                    "the disk is full",
		"qemu: cannot set up guest memory: Cannot allocate memory":                                                 "not enough memory for machine debian6",
		"The provider 'libvirt' could not be found, but was requested":                                             "vagrant plugin install vagrant-libvirt",
		"Timed out while waiting for the machine to boot.":                                                         "does not let Vagrant in",
	} {
		err := explainVagrant(m, says)
		first, rest, _ := strings.Cut(err.Error(), "\n")
		assert.Contains(t, first, remedy)
		assert.Contains(t, rest, says)
	}
	assert.EqualError(t, explainVagrant(m, "\tsomething new"), "vagrant gave up:\n\tsomething new")
}

func TestWhatVagrantSaidIsShownWithoutProgressAndStacks(t *testing.T) {
	var c complaint
	for _, piece := range []string{
		"==> debian6: Starting", " domain.\n\x1b[KProgress: 10%\r\x1b[KProgress: 90%\n==> debian6:  -- Cpus: 1\n",
		"create: it went wrong (Libvirt::Error)\n\tfrom /usr/share/a.rb:7:in `call'\n\n", "unfinished",
	} {
		_, err := c.Write([]byte(piece))
		require.NoError(t, err)
	}
	assert.Equal(t, "\t==> debian6: Starting domain.\n\tcreate: it went wrong (Libvirt::Error)", c.String())
	_, _ = c.Write([]byte(strings.Repeat("x\n", 1000)))
	assert.LessOrEqual(t, len(c.lines), 12)
}

func TestTheBootLimitStartsWithTheGuest(t *testing.T) {
	calls := 0
	o := &onLine{match: regexp.MustCompile("Starting domain"), do: func() { calls++ }}
	for _, piece := range []string{"Uploading…\n==> Star", "ting domain.\n", "Starting domain again\n"} {
		_, _ = o.Write([]byte(piece))
	}
	assert.Equal(t, 1, calls)
}

func TestTheBootLimitIsANumberOfSeconds(t *testing.T) {
	t.Setenv("AVIR_VM_BOOT_TIMEOUT", "30")
	d, err := bootTimeout(driverKVM)
	require.NoError(t, err)
	assert.Equal(t, 30*time.Second, d)
	for _, wrong := range []string{"0", "-1", "5m"} {
		t.Setenv("AVIR_VM_BOOT_TIMEOUT", wrong)
		_, err = bootTimeout(driverKVM)
		assert.ErrorContains(t, err, "must be a number of seconds")
	}
}

func TestTheEndOfTheConsoleExplainsABootThatFailed(t *testing.T) {
	v := &vagrant{}
	console := write(t, filepath.Join(t.TempDir(), "console"), strings.Repeat("early\n", 50)+"\x1b[1mKernel panic - not syncing\x1b[0m\r\n")
	text := v.consoleTail(&Machine{Console: console})
	assert.Contains(t, text, "Kernel panic - not syncing")
	assert.Less(t, strings.Count(text, "early"), 10)
	assert.Contains(t, v.consoleTail(&Machine{Console: "/nonexistent"}), "its console said nothing")
	assert.Empty(t, v.consoleTail(&Machine{}), "nobody listened to it")
	assert.Contains(t, lastLineOf(console), "Kernel panic")
}

const sshConfig = `Host debian6
  HostName 192.168.121.16
  User vagrant
  Port 2222
  UserKnownHostsFile /dev/null
  IdentityFile "/root/with space/insecure_private_key"
  IdentityFile /second
`

func TestVagrantTellsHowToReachAMachine(t *testing.T) {
	h, err := parseSSHConfig(sshConfig)
	require.NoError(t, err)
	assert.Equal(t, sshHost{host: "192.168.121.16", user: "vagrant", keys: []string{"/root/with space/insecure_private_key", "/second"}, port: 2222}, h)
	for _, wrong := range []string{"", "HostName a\nUser b\n", strings.Replace(sshConfig, "2222", "x", 1)} {
		_, err := parseSSHConfig(wrong)
		assert.Error(t, err)
	}
}

func TestOnlyOldSystemsGetOldKeys(t *testing.T) {
	h := sshHost{host: "1.2.3.4", user: "vagrant", keys: []string{"/k", "/second"}, port: 22}
	today := strings.Join(sshArgs(h, false, nil, "true"), " ")
	old := strings.Join(sshArgs(h, true, reverse(3398, "/s"), "true"), " ")
	assert.NotContains(t, today, "ssh-rsa")
	assert.Contains(t, today, "-i /k -i /second")
	assert.Contains(t, old, "HostKeyAlgorithms=+ssh-rsa")
	assert.True(t, strings.HasSuffix(old, "-R 127.0.0.1:3398:/s vagrant@1.2.3.4 true"), old)
	assert.Contains(t, today, "-F none", "the user's settings change nothing")
}

func TestVagrantsOwnSSHGetsTheSameOldKeys(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(vagrantDir(t), "Vagrantfile"))
	require.NoError(t, err)
	for _, option := range oldSSH {
		if option != "-o" {
			assert.Contains(t, string(text), "\n  "+option+"\n")
		}
	}
	assert.Contains(t, string(text), `machine.ssh.extra_args = old_ssh if m["old_ssh"]`)
}

func TestAnErrorOfSSHSaysWhatToDo(t *testing.T) {
	m := &Machine{Name: "debian6"}
	for says, remedy := range map[string]string{
		"Unable to negotiate: no matching host key type found. Their offer: ssh-rsa": "set old_ssh: true",
		"vagrant@1.2.3.4: Permission denied (publickey).":                            "refuses Vagrant's key",
		"sudo: sorry, you must have a tty to run sudo":                               "remove Defaults requiretty",
		"sudo: a password is required":                                               "can't become root without a password",
		"Connection reset":                                                           "ended before their end",
	} {
		assert.ErrorContains(t, explainSSH(m, assert.AnError), "ended before their end")
		assert.ErrorContains(t, explainSSH(m, errorText(says)), remedy)
	}
	assert.ErrorContains(t, explainSSH(m, nil), "said nothing of their end")
}

type errorText string

func (e errorText) Error() string { return string(e) }

func TestTheTestsInAMachineAreShortUnlessAllOfThemAreWanted(t *testing.T) {
	m := &Machine{Name: "debian6", Packages: "deb"}
	assert.True(t, strings.HasSuffix(checkLine(m, false, false, false), "check.sh deb wait=5s"))
	m.KernelFloor = "2.6.32"
	assert.True(t, strings.HasSuffix(checkLine(m, true, true, true), "check.sh deb limit=120s wait=150s full=1 floor=2.6.32 clamd=3398"))
}

func TestTheCheckIsFitForEveryShell(t *testing.T) {
	for _, shell := range [][]string{{"sh"}, {"dash"}, {"bash", "--posix"}} {
		if _, err := exec.LookPath(shell[0]); err != nil {
			continue
		}
		for _, script := range []string{filepath.Join(vagrantDir(t), "check.sh"), "keeper.sh"} {
			out, err := exec.Command(shell[0], append(shell[1:], "-n", script)...).CombinedOutput()
			assert.NoError(t, err, "%s -n %s: %s", shell, script, out)
		}
	}
}

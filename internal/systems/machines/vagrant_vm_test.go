//go:build vm

// These tests need vagrant, vagrant-libvirt and ssh: go test -tags vm ./internal/systems/machines
package machines

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// vagrantCommand runs Vagrant on vagrant/ with the folders of the test.
func vagrantCommand(t *testing.T, provider string, env []string, args ...string) (string, error) {
	t.Helper()
	home := t.TempDir()
	cmd := exec.Command("vagrant", args...)
	cmd.Env = append(append(os.Environ(), "VAGRANT_CWD="+vagrantDir(t), "VAGRANT_HOME="+home,
		"VAGRANT_DOTFILE_PATH="+filepath.Join(home, "dot"), "VAGRANT_DEFAULT_PROVIDER="+provider, "VAGRANT_CHECKPOINT_DISABLE=1"), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// virtualBoxPath returns a PATH with a VBoxManage that answers what Vagrant
// asks before it reads the settings, so that it reads those for VirtualBox.
func virtualBoxPath(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\ncase $1 in\n--version) echo 7.0.20r163906 ;;\nlist) ;;\nesac\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "VBoxManage"), []byte(script), 0o755))
	return "PATH=" + dir + ":" + os.Getenv("PATH")
}

func TestVagrantFindsTheFileValidForBothProviders(t *testing.T) {
	for provider, env := range map[string][]string{
		"libvirt":    nil,
		"virtualbox": {virtualBoxPath(t)},
	} {
		t.Run(provider, func(t *testing.T) {
			out, err := vagrantCommand(t, provider, env, "validate")
			require.NoError(t, err, out)
			assert.Contains(t, out, "validated successfully")
			out, err = vagrantCommand(t, provider, env, "status")
			require.NoError(t, err, out)
			for _, machine := range []string{"debian6", "centos6", "debian12"} {
				assert.Regexp(t, `(?m)^`+machine+` +not created \(`+provider+`\)`, out)
			}
		})
	}
}

func TestVagrantTakesABoxFromTheEnvironment(t *testing.T) {
	path := virtualBoxPath(t)
	out, err := vagrantCommand(t, "virtualbox", []string{path, "AVIR_BOX_DEBIAN6=/nonexistent/mine.box"}, "up", "debian6")
	require.Error(t, err)
	assert.Contains(t, out, "file:///nonexistent/mine.box")
	out, err = vagrantCommand(t, "virtualbox", []string{path, "AVIR_BOX_DEBIAN6=nobody/nothing", "VAGRANT_SERVER_URL=http://127.0.0.1:1"}, "up", "debian6")
	require.Error(t, err)
	assert.Contains(t, out, "nobody/nothing")
	explained := explainVagrant(&Machine{Name: "debian6", Box: "nobody/nothing"}, out)
	assert.Contains(t, strings.SplitN(explained.Error(), "\n", 2)[0], "run mage vm:box", out)
}

func TestVagrantRefusesWrongSettings(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "s.yml"), "debian6: {memori: 1}\n")
	out, err := vagrantCommand(t, "libvirt", []string{SettingsVariable + "=" + path}, "status")
	require.Error(t, err)
	assert.Contains(t, out, "debian6 has no setting memori")
}

func TestThisMachinesSSHKnowsTheOldAlgorithms(t *testing.T) {
	args := sshArgs(sshHost{host: "localhost", user: "vagrant", keys: []string{"/k"}, port: 22}, true, nil, "true")
	out, err := exec.Command("ssh", append([]string{"-G"}, args...)...).CombinedOutput()
	require.NoError(t, err, string(out))
	for _, line := range []string{`(?m)^hostkeyalgorithms .*\bssh-rsa\b`, `(?m)^kexalgorithms .*diffie-hellman-group-exchange-sha1`, `(?m)^ciphers .*aes128-cbc`} {
		assert.Regexp(t, line, string(out))
	}
}

// A libvirt of our own, up to where machines would start, and killed then.
func TestAKilledRunTakesItsLibvirtAlong(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("needs root")
	}
	other, dir, child := otherRun(t, t.TempDir(), ownLibvirt)
	_, err := readStat(child)
	require.NoError(t, err)
	require.NoError(t, other.Process.Kill())
	gone(t, dir)
	_, err = readStat(child)
	assert.Error(t, err, "its namespaces have ended with everything in them")
	mounts, err := os.ReadFile("/proc/mounts")
	require.NoError(t, err)
	assert.NotContains(t, string(mounts), dir)
}

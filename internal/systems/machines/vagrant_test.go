package machines

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/systems/session"
	"github.com/avirkit/avirkit/internal/systems/settings"
)

func TestVagrantKeepsItsStateInTheFolderOfTheRun(t *testing.T) {
	s := &session.Session{Mode: session.SystemLibvirt, Dir: "/cache/run-avirkit-1-1", Name: "avirkit-1-1"}
	v := vagrant{Session: s, home: "/cache/vagrant", dir: "/src/vagrant"}
	assert.Subset(t, v.command("up").Env, []string{
		"VAGRANT_CWD=/src/vagrant",
		"VAGRANT_DOTFILE_PATH=/cache/run-avirkit-1-1/vagrant",
		"VAGRANT_HOME=/cache/vagrant",
		"VAGRANT_DEFAULT_PROVIDER=libvirt",
		settings.ResolvedVariable + "=/cache/run-avirkit-1-1/resolved.yml",
	})
	v.Session = &session.Session{Mode: session.VirtualBox, Dir: "/r", Name: "avirkit-1-1"}
	assert.Subset(t, v.command("up").Env, []string{"VAGRANT_DEFAULT_PROVIDER=virtualbox", "VBOX_USER_HOME=/r/vbox"})
}

func TestOnlyALibvirtOfOurOwnKeepsBoxesInTheCache(t *testing.T) {
	t.Setenv("VAGRANT_HOME", "")
	t.Setenv("HOME", "/home/me")
	for p, want := range map[session.Mode]string{session.OwnLibvirt: "/cache/vagrant", session.SystemLibvirt: "/home/me/.vagrant.d", session.VirtualBox: "/home/me/.vagrant.d"} {
		home, err := homeOf("/cache", p)
		require.NoError(t, err)
		assert.Equal(t, want, home)
	}
	t.Setenv("VAGRANT_HOME", "/elsewhere")
	home, err := homeOf("/cache", session.OwnLibvirt)
	require.NoError(t, err)
	assert.Equal(t, "/elsewhere", home)
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

// The limit starts when Vagrant says that the guest does, not when it begins to
// fetch and copy the box.
func TestAGuestThatIsNotReadyInTimeIsGivenUp(t *testing.T) {
	fakeProgram(t, "vagrant", `case $2 in
slow) sleep 1; exit 0 ;;
stuck) echo "==> stuck:  -- Cpus: 1"; echo "==> stuck: Starting domain."; sleep 60 ;;
esac`)
	v := &vagrant{Session: &session.Session{Mode: session.SystemLibvirt, Dir: t.TempDir()}, timeout: 100 * time.Millisecond}
	dir := t.TempDir()
	assert.NoError(t, v.up(t.Context(), &settings.Machine{Name: "slow"}, dir), "it fetched the box for long")
	begin := time.Now()
	assert.ErrorContains(t, v.up(t.Context(), &settings.Machine{Name: "stuck"}, dir), "did not get ready within 100ms")
	assert.Less(t, time.Since(begin), 50*time.Second)
}

func TestTheLargestMachineTellsHowManyFit(t *testing.T) {
	assert.EqualValues(t, 1000<<20, largest([]*settings.Machine{{Memory: 384}, {Memory: 744}, {Memory: 384}}))
}

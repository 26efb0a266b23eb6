package machines

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/systems/boxes"
	"github.com/avirkit/avirkit/internal/systems/session"
	"github.com/avirkit/avirkit/internal/systems/settings"
)

// madeBox lets a box of mage vm:box be there.
func madeBox(t *testing.T, root, machine string) string {
	t.Helper()
	return write(t, boxes.For(machine).Path(root), "")
}

func TestABoxIsFetchedWhereThereIsANetwork(t *testing.T) {
	home, root := t.TempDir(), t.TempDir()
	log := filepath.Join(t.TempDir(), "log")
	fakeProgram(t, "vagrant", `echo "$VAGRANT_HOME: $*" >> `+log+`
case $* in *there*) echo "The box you're attempting to add already exists." >&2; exit 1 ;; esac`)
	require.NoError(t, os.MkdirAll(filepath.Join(home, "boxes", "old-VAGRANTSLASH-had", "1", "libvirt"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(home, "boxes", "new-VAGRANTSLASH-had", "1", "i386", "libvirt"), 0o755))
	c := chooser{Options: Options{Root: root}, provider: session.OwnLibvirt, home: home}
	machines := []*settings.Machine{
		{Name: "a", Box: "me/plain", Chosen: true},
		{Name: "b", Box: "me/versioned", Version: "1.2", Chosen: true},
		{Name: "c", Box: "me/named", File: "http://127.0.0.1/a.box", SHA256: "ab", Chosen: true},
		{Name: "d", Box: "old/had"},
		{Name: "e", Box: "new/had"},
		{Name: "f", Box: "me/x", File: "/local.box"},
		{Name: "g", Box: "me/there", Chosen: true},
	}
	some, err := c.choose(t.Context(), machines)
	require.NoError(t, err)
	assert.Equal(t, machines, some)
	said, err := os.ReadFile(log)
	require.NoError(t, err)
	assert.Equal(t, home+": box add --provider libvirt me/plain\n"+
		home+": box add --provider libvirt --box-version 1.2 me/versioned\n"+
		home+": box add --provider libvirt --checksum ab --checksum-type sha256 --name me/named http://127.0.0.1/a.box\n"+
		home+": box add --provider libvirt me/there\n", string(said))
	left, err := filepath.Glob(filepath.Join(boxes.Cache(root), "run-*"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestABoxThatWasChosenGetsNoStandIn(t *testing.T) {
	fakeProgram(t, "vagrant", `echo "The box 'x' could not be found or could not be accessed in the remote catalog."; exit 1`)
	for name, c := range map[string]struct {
		options Options
		machine settings.Machine
	}{
		"by the user":         {Options{}, settings.Machine{Name: "debian6", Box: "me/x", Chosen: true}},
		"by asking for reals": {Options{Real: true}, settings.Machine{Name: "debian6", Box: "bento/x"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.options.Root = t.TempDir()
			madeBox(t, c.options.Root, "debian6")
			ch := chooser{Options: c.options, provider: session.OwnLibvirt, home: t.TempDir()}
			_, err := ch.choose(t.Context(), []*settings.Machine{&c.machine})
			assert.ErrorContains(t, err, "no box for machine debian6: "+c.machine.Box+" is not on this machine")
		})
	}
}

func TestAStandInIsTakenWithoutAskingForTheRealBox(t *testing.T) {
	root := checkout(t)
	box := madeBox(t, root, "debian6")
	fakeProgram(t, "dpkg-query", "exit 1")
	t.Setenv("AVIR_NO_INSTALL", "1")
	m := &settings.Machine{Name: "debian6", System: "Debian 6", Platform: "linux-386", Box: "bento/x", SHA256: "ab"}
	c := chooser{Options: Options{Root: root}, provider: session.OwnLibvirt, home: t.TempDir()}
	_, _ = c.choose(t.Context(), []*settings.Machine{m}) // the box is old, and can't be made anew here
	assert.Equal(t, box, m.File)
	assert.Equal(t, "Debian 11 i386", m.StandIn)
	assert.Equal(t, m.For().KernelFloor, m.KernelFloor)
	assert.Empty(t, m.SHA256, "the digest is one of another box")
}

// checkout is a folder with this repository's vagrant/ and a cache of its own.
func checkout(t *testing.T) string {
	t.Helper()
	data, err := filepath.Abs(filepath.Join("..", "..", "..", "vagrant"))
	require.NoError(t, err)
	root := t.TempDir()
	require.NoError(t, os.Symlink(data, filepath.Join(root, "vagrant")))
	return root
}

// The making is not tried here: without its programs it says what is missing.
func TestABoxThatCantBeFetchedIsMade(t *testing.T) {
	fakeProgram(t, "vagrant", `echo "The box you're attempting to add doesn't support the provider"; exit 1`)
	fakeProgram(t, "dpkg-query", "exit 1")
	t.Setenv("AVIR_NO_INSTALL", "1")
	c := chooser{Options: Options{Root: checkout(t)}, provider: session.OwnLibvirt, home: t.TempDir()}
	m := &settings.Machine{Name: "debian6", Platform: "linux-386", Box: "bento/x"}
	_, err := c.choose(t.Context(), []*settings.Machine{m})
	assert.ErrorContains(t, err, "making boxes")
	assert.Equal(t, "Debian 11 i386", m.StandIn)
}

func TestAMachineWithoutABoxForVirtualBoxIsLeftOutUnlessItWasNamed(t *testing.T) {
	old := &settings.Machine{Name: "debian6", Box: "bento/x"}
	ours := &settings.Machine{Name: "debian12", Box: "avirkit/debian12-i386", System: "Debian 12 i386"}
	c := chooser{Options: Options{Root: t.TempDir()}, provider: session.VirtualBox}
	some, err := c.choose(t.Context(), []*settings.Machine{old, ours})
	require.NoError(t, err)
	assert.Equal(t, []*settings.Machine{old}, some)
	assert.Equal(t, []string{"NOT TESTED: machine debian12 has no box for VirtualBox: set AVIR_BOX_DEBIAN12 to one with Debian 12 i386"}, c.notes)

	c = chooser{Options: Options{Root: t.TempDir(), Machines: []string{"debian12"}}, provider: session.VirtualBox}
	_, err = c.choose(t.Context(), []*settings.Machine{ours})
	assert.ErrorContains(t, err, "set AVIR_BOX_DEBIAN12")
}

package machines

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/systems/session"
	"github.com/avirkit/avirkit/internal/systems/settings"
)

// someBoxes are boxes for debian6 and debian12; the making is only noted.
type someBoxes struct {
	dir  string
	made []string
}

func (b *someBoxes) For(machine string) *settings.Box {
	if machine != "debian6" && machine != "debian12" {
		return nil
	}
	return &settings.Box{Path: filepath.Join(b.dir, machine+".box"), System: "Debian 11 i386", StandsIn: machine == "debian6"}
}

func (b *someBoxes) Make(_ context.Context, machines ...string) error {
	b.made = append(b.made, machines...)
	return nil
}

func TestABoxIsFetchedWhereThereIsANetwork(t *testing.T) {
	home, root := t.TempDir(), t.TempDir()
	log := filepath.Join(t.TempDir(), "log")
	fakeProgram(t, "vagrant", `echo "$VAGRANT_HOME: $*" >> `+log+`
case $* in *there*) echo "The box you're attempting to add already exists." >&2; exit 1 ;; esac`)
	require.NoError(t, os.MkdirAll(filepath.Join(home, "boxes", "old-VAGRANTSLASH-had", "1", "libvirt"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(home, "boxes", "new-VAGRANTSLASH-had", "1", "i386", "libvirt"), 0o755))
	c := chooser{Options: Options{Root: root, Boxes: &someBoxes{}}, provider: session.OwnLibvirt, home: home}
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
	left, err := filepath.Glob(filepath.Join(settings.Cache(root), "run-*"))
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
			have := &someBoxes{dir: t.TempDir()}
			if c.options.Real {
				write(t, have.For("debian6").Path, "")
			}
			c.options.Boxes = have
			ch := chooser{Options: c.options, provider: session.OwnLibvirt, home: t.TempDir()}
			_, err := ch.choose(t.Context(), []*settings.Machine{&c.machine})
			assert.ErrorContains(t, err, "no box for machine debian6: "+c.machine.Box+" is not on this machine")
		})
	}
}

func TestAStandInIsTakenWhereItIsMadeOrTheRealBoxCantBeHad(t *testing.T) {
	for name, made := range map[string]bool{"it is made": true, "the real box can't be had": false} {
		t.Run(name, func(t *testing.T) {
			have := &someBoxes{dir: t.TempDir()}
			fakeProgram(t, "vagrant", `echo "The box you're attempting to add doesn't support the provider"; exit 1`)
			if made {
				write(t, have.For("debian6").Path, "")
				fakeProgram(t, "vagrant", "touch "+filepath.Join(have.dir, "asked"))
			}
			m := &settings.Machine{Name: "debian6", System: "Debian 6", Platform: "linux-386", Box: "bento/x", SHA256: "ab"}
			c := chooser{Options: Options{Root: t.TempDir(), Boxes: have}, provider: session.OwnLibvirt, home: t.TempDir()}
			_, err := c.choose(t.Context(), []*settings.Machine{m})
			require.NoError(t, err)
			assert.Equal(t, have.For("debian6").Path, m.File)
			assert.Equal(t, "Debian 11 i386", m.StandIn)
			assert.Equal(t, m.For().KernelFloor, m.KernelFloor)
			assert.True(t, m.Bootless)
			assert.Empty(t, m.SHA256, "the digest is one of another box")
			assert.NoFileExists(t, filepath.Join(have.dir, "asked"))
			if os.Geteuid() == 0 {
				assert.Equal(t, []string{"debian6"}, have.made, "it is made anew if it is out of date")
			}
		})
	}
}

func TestABoxThatNoCatalogueHasIsMadeAndStandsForItself(t *testing.T) {
	have := &someBoxes{dir: t.TempDir()}
	m := &settings.Machine{Name: "debian12", Platform: "linux-386", Box: "avirkit/debian12-i386"}
	c := chooser{Options: Options{Root: t.TempDir(), Boxes: have, Real: true}, provider: session.OwnLibvirt}
	_, err := c.choose(t.Context(), []*settings.Machine{m})
	require.NoError(t, err)
	assert.Equal(t, []string{"debian12"}, have.made)
	assert.Empty(t, m.StandIn)
	assert.Empty(t, m.KernelFloor)
}

func TestAMachineWithoutABoxForVirtualBoxIsLeftOutUnlessItWasNamed(t *testing.T) {
	old := &settings.Machine{Name: "debian6", Box: "bento/x"}
	ours := &settings.Machine{Name: "debian12", Box: "avirkit/debian12-i386", System: "Debian 12 i386"}
	c := chooser{Options: Options{Root: t.TempDir(), Boxes: &someBoxes{}}, provider: session.VirtualBox}
	some, err := c.choose(t.Context(), []*settings.Machine{old, ours})
	require.NoError(t, err)
	assert.Equal(t, []*settings.Machine{old}, some)
	assert.Equal(t, notes{"NOT TESTED: machine debian12 has no box for VirtualBox: set AVIR_BOX_DEBIAN12 to one with Debian 12 i386"}, c.notes)

	c = chooser{Options: Options{Root: t.TempDir(), Machines: []string{"debian12"}, Boxes: &someBoxes{}}, provider: session.VirtualBox}
	_, err = c.choose(t.Context(), []*settings.Machine{ours})
	assert.ErrorContains(t, err, "set AVIR_BOX_DEBIAN12")
}

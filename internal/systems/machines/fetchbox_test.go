package machines

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestABoxIsFetchedWhereThereIsANetwork(t *testing.T) {
	home, root := t.TempDir(), t.TempDir()
	require.NoError(t, os.MkdirAll(cacheDir(root), 0o755))
	log := filepath.Join(t.TempDir(), "log")
	fakeProgram(t, "vagrant", `echo "$VAGRANT_HOME: $*" >> `+log+`
case $* in *there*) echo "The box you're attempting to add already exists." >&2; exit 1 ;; esac`)
	require.NoError(t, os.MkdirAll(filepath.Join(home, "boxes", "old-VAGRANTSLASH-had", "1", "libvirt"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(home, "boxes", "new-VAGRANTSLASH-had", "1", "i386", "libvirt"), 0o755))
	require.NoError(t, fetchBoxes(t.Context(), Options{Root: root}, home, []*Machine{
		{Name: "a", Box: "me/plain", chosen: true},
		{Name: "b", Box: "me/versioned", Version: "1.2", chosen: true},
		{Name: "c", Box: "me/named", File: "http://127.0.0.1/a.box", chosen: true},
		{Name: "d", Box: "old/had"},
		{Name: "e", Box: "new/had"},
		{Name: "f", Box: "me/x", File: "/local.box"},
		{Name: "g", Box: "me/there", chosen: true},
	}))
	said, err := os.ReadFile(log)
	require.NoError(t, err)
	assert.Equal(t, home+": box add --provider libvirt me/plain\n"+
		home+": box add --provider libvirt --box-version 1.2 me/versioned\n"+
		home+": box add --provider libvirt --name me/named http://127.0.0.1/a.box\n"+
		home+": box add --provider libvirt me/there\n", string(said))
	left, err := filepath.Glob(filepath.Join(cacheDir(root), "run-*"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestABoxThatWasChosenGetsNoStandIn(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(cacheDir(root), 0o755))
	fakeProgram(t, "vagrant", `echo "The box 'x' could not be found or could not be accessed in the remote catalog."; exit 1`)
	err := fetchBoxes(t.Context(), Options{Root: root}, t.TempDir(), []*Machine{{Name: "debian6", Box: "me/x", chosen: true}})
	assert.ErrorContains(t, err, "no box for machine debian6: me/x is not on this machine")
	t.Setenv("AVIR_VM_BOXES", "real")
	err = fetchBoxes(t.Context(), Options{Root: root}, t.TempDir(), []*Machine{{Name: "debian6", Box: "bento/x"}})
	assert.ErrorContains(t, err, "no box for machine debian6")
}

// The making is not tried here: without its programs it says what is missing.
func TestABoxThatNobodyChoseGetsAStandIn(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(cacheDir(root), 0o755))
	fakeProgram(t, "vagrant", `echo "The box you're attempting to add doesn't support the provider"; exit 1`)
	t.Setenv("AVIR_VM_BOXES", "")
	m := &Machine{Name: "debian6", Box: "bento/x"}
	for _, name := range []string{"unshare", "dpkg-query"} {
		fakeProgram(t, name, "exit 1")
	}
	t.Setenv("AVIR_NO_INSTALL", "1")
	err := fetchBoxes(t.Context(), Options{Root: root}, t.TempDir(), []*Machine{m})
	assert.ErrorContains(t, err, "making boxes")
	assert.ErrorContains(t, err, "bento/x", "why a stand-in was to be made")
}

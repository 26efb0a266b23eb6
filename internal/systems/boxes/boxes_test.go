package boxes

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/systems/settings"
)

func repository(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	require.NoError(t, err)
	return root
}

func TestEveryMachineHasABoxOfItsArchitecture(t *testing.T) {
	root := repository(t)
	machines, err := settings.Load(filepath.Join(root, "vagrant"), func(string) string { return "" })
	require.NoError(t, err)
	for _, m := range machines {
		b := boxFor(m.Name)
		require.NotNil(t, b, m.Name)
		assert.Equal(t, m.For().Deb, b.Arch, m.Name)
		assert.Equal(t, m.System == b.Name(), !b.standsIn, "%s: the table must tell %s from %s", m.Name, b.Name(), m.System)
		if m.Packages == "rpm" {
			assert.Contains(t, b.Include, "rpm", m.Name)
		}
	}
	assert.Nil(t, Checkout{root}.For("debian7"))
}

func TestABoxIsMadeAnewWhenOneOfItsPartsChanges(t *testing.T) {
	data := t.TempDir()
	require.NoError(t, os.CopyFS(data+"/box", os.DirFS(filepath.Join(repository(t), "vagrant", "box"))))
	first, err := inputs(data + "/box")
	require.NoError(t, err)
	again, err := inputs(data + "/box")
	require.NoError(t, err)
	assert.Equal(t, first, again)
	require.NoError(t, os.WriteFile(data+"/box/boot", []byte("#!/bin/sh\n"), 0o644))
	changed, err := inputs(data + "/box")
	require.NoError(t, err)
	assert.NotEqual(t, first, changed)

	root := t.TempDir()
	b := boxFor("debian6")
	require.NoError(t, os.MkdirAll(filepath.Dir(b.path(root)), 0o755))
	require.NoError(t, os.WriteFile(b.path(root)+".inputs", []byte(first), 0o644))
	assert.False(t, b.current(root, first), "the box itself is missing")
	require.NoError(t, os.WriteFile(b.path(root), nil, 0o644))
	assert.True(t, b.current(root, first))
	assert.False(t, b.current(root, changed))
	_, err = inputs(data + "/missing")
	assert.ErrorContains(t, err, "read the parts of the boxes")
}

func TestNothingIsMadeWithoutTheProgramsThatItTakes(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.Symlink(filepath.Join(repository(t), "vagrant"), filepath.Join(root, "vagrant")))
	empty := filepath.Join(root, "bin")
	require.NoError(t, os.Mkdir(empty, 0o755))
	t.Setenv("PATH", empty)
	t.Setenv("AVIR_NO_INSTALL", "1")
	err := Checkout{root}.Make(t.Context(), "debian6")
	assert.ErrorContains(t, err, "making boxes: ")
	assert.ErrorContains(t, err, "mmdebstrap")
	assert.NoError(t, Checkout{root}.Make(t.Context(), "debian7"), "nobody makes boxes for it")
}

func TestTheScriptsOfABoxAreFitForItsShell(t *testing.T) {
	for _, name := range []string{"boot", "lease", "shutdown"} {
		path := filepath.Join(repository(t), "vagrant", "box", name)
		out, err := exec.Command("sh", "-n", path).CombinedOutput()
		assert.NoError(t, err, "%s: %s", path, out)
	}
	for _, f := range files {
		if f.part != "" {
			assert.FileExists(t, filepath.Join(repository(t), "vagrant", "box", f.part))
		}
	}
}

package machines

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func env(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

func vagrantDir(t *testing.T) string {
	dir, err := filepath.Abs(filepath.Join("..", "..", "..", "vagrant"))
	require.NoError(t, err)
	return dir
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

func TestTheMachinesAreThoseOfTheRepository(t *testing.T) {
	none := write(t, filepath.Join(t.TempDir(), "none.yml"), "")
	all, err := loadMachines(vagrantDir(t), env(map[string]string{SettingsVariable: none}))
	require.NoError(t, err)
	require.Len(t, all, 3)
	assert.Equal(t, "debian6", all[0].Name)
	assert.Equal(t, "bento/debian-6.0.10-i386", all[0].Box)
	assert.Equal(t, "deb", all[0].Packages)
	assert.True(t, all[0].OldSSH)
	assert.Equal(t, "centos6", all[1].Name)
	assert.Equal(t, "bento/centos-6.10-i386", all[1].Box)
	assert.Equal(t, "rpm", all[1].Packages)
	assert.True(t, all[1].OldSSH)
	assert.Equal(t, "debian12", all[2].Name)
	assert.False(t, all[2].OldSSH, "today's systems need no old keys")
	for _, m := range all {
		assert.False(t, m.chosen)
	}
}

func TestTheEnvironmentNamesABoxOrABoxFile(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "mine.box"), "")
	all, err := loadMachines(vagrantDir(t), env(map[string]string{
		SettingsVariable:   write(t, filepath.Join(dir, "s.yml"), "debian6: {version: '1.2', memory: 512}\n"),
		"AVIR_BOX_DEBIAN6": "me/squeeze",
		"AVIR_BOX_CENTOS6": file,
	}))
	require.NoError(t, err)
	assert.Equal(t, "me/squeeze", all[0].Box)
	assert.Empty(t, all[0].Version, "the version was one of another box")
	assert.Equal(t, 512, all[0].Memory)
	assert.True(t, all[0].chosen)
	assert.Equal(t, file, all[1].File)
	assert.True(t, all[1].chosen)
	assert.False(t, all[2].chosen)
}

func TestABoxThatTheSettingsNameIsChosenWhicheverItIs(t *testing.T) {
	for settings, chosen := range map[string]bool{
		"debian6: {memory: 512}\n":                    false,
		"debian6: {box: bento/debian-6.0.10-i386}\n":  true, // the one of machines.yml
		"debian6: {version: '1.2'}\n":                 true,
		"debian6: {file: 'http://127.0.0.1/a.box'}\n": true,
	} {
		path := write(t, filepath.Join(t.TempDir(), "s.yml"), settings)
		all, err := loadMachines(vagrantDir(t), env(map[string]string{SettingsVariable: path}))
		require.NoError(t, err)
		assert.Equal(t, chosen, all[0].chosen, settings)
	}
}

func TestWrongSettingsAreNamed(t *testing.T) {
	for name, c := range map[string]struct{ settings, says string }{
		"an unknown machine":   {"debian7: {memory: 512}\n", "no machine debian7; there are: centos6, debian12, debian6"},
		"an unknown setting":   {"debian6: {memori: 512}\n", "memori"},
		"a wrong format":       {"debian6: {packages: apk}\n", `packages is "apk": it must be deb or rpm`},
		"too little memory":    {"debian6: {memory: 64}\n", "at least 128 megabytes"},
		"no processor":         {"debian6: {cpus: 0}\n", "at least 1"},
		"no box":               {"debian6: {box: ''}\n", "set box or file"},
		"a missing box file":   {"debian6: {file: /nonexistent/a.box}\n", "box file: stat /nonexistent/a.box"},
		"something not a list": {"- debian6\n", "cannot unmarshal"},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, filepath.Join(t.TempDir(), "s.yml"), c.settings)
			_, err := loadMachines(vagrantDir(t), env(map[string]string{SettingsVariable: path}))
			assert.ErrorContains(t, err, c.says)
		})
	}
	_, err := loadMachines(vagrantDir(t), env(map[string]string{SettingsVariable: "/nonexistent.yml"}))
	assert.ErrorContains(t, err, SettingsVariable)
}

func TestOneMachineOrAllCanBePicked(t *testing.T) {
	a, b := &Machine{Name: "a"}, &Machine{Name: "b"}
	all := []*Machine{a, b}
	picked, err := pick(all, nil)
	require.NoError(t, err)
	assert.Equal(t, all, picked)
	picked, err = pick(all, []string{"b", "b"})
	require.NoError(t, err)
	assert.Equal(t, []*Machine{b}, picked)
	_, err = pick(all, []string{"c"})
	assert.EqualError(t, err, `no machine "c"; there are: a, b`)
}

func TestWrittenSettingsReadBackTheSame(t *testing.T) {
	dir := t.TempDir()
	none := write(t, filepath.Join(dir, "none.yml"), "")
	all, err := loadMachines(vagrantDir(t), env(map[string]string{SettingsVariable: none}))
	require.NoError(t, err)
	all[0].Console, all[0].StandIn, all[0].KernelFloor, all[0].Boot = "/c", "Debian 11", "2.6.32", "/b"
	path := filepath.Join(dir, "run.yml")
	require.NoError(t, writeSettings(path, all))
	again, err := loadMachines(vagrantDir(t), env(map[string]string{SettingsVariable: path}))
	require.NoError(t, err)
	for _, m := range all {
		m.chosen = true // it has a box there
	}
	assert.Equal(t, all, again)
}

func TestAStandInTakesThePlaceOfABoxThatNobodyHasChosen(t *testing.T) {
	root := t.TempDir()
	spec := *specFor("debian6")
	box := write(t, boxPath(cacheDir(root), spec), "")
	m := &Machine{Name: "debian6", System: "Debian 6", Box: "bento/x"}
	_, _, err := localBoxes(t.Context(), Options{Root: root}, ownLibvirt, []*Machine{m})
	require.NoError(t, err)
	assert.Equal(t, box, m.File)
	assert.Equal(t, "Debian 11 i386", m.StandIn)
	assert.Equal(t, "2.6.32", m.KernelFloor)

	for name, c := range map[string]struct {
		machine Machine
		mode    mode
		real    string
	}{
		"chosen by the user":   {Machine{Name: "debian6", Box: "me/x", chosen: true}, ownLibvirt, ""},
		"for VirtualBox":       {Machine{Name: "debian6", Box: "bento/x"}, virtualBox, ""},
		"real ones asked for":  {Machine{Name: "debian6", Box: "bento/x"}, ownLibvirt, "real"},
		"without one made yet": {Machine{Name: "centos6", Box: "bento/y"}, ownLibvirt, ""},
	} {
		t.Run("but not "+name, func(t *testing.T) {
			t.Setenv("AVIR_VM_BOXES", c.real)
			m := c.machine
			_, _, err := localBoxes(t.Context(), Options{Root: root}, c.mode, []*Machine{&m})
			require.NoError(t, err)
			assert.Equal(t, c.machine, m)
		})
	}
}

func TestAMachineWithoutABoxForVirtualBoxSaysWhatToDo(t *testing.T) {
	m := &Machine{Name: "debian12", System: "Debian 12 i386"}
	_, _, err := localBoxes(t.Context(), Options{Root: t.TempDir(), Machines: []string{m.Name}}, virtualBox, []*Machine{m})
	assert.ErrorContains(t, err, "set AVIR_BOX_DEBIAN12 to one with Debian 12 i386")
}

func TestAMachineThatNobodyNamedIsLeftOutIfItHasNoBox(t *testing.T) {
	old := &Machine{Name: "debian6", Box: "bento/x"}
	some, notes, err := localBoxes(t.Context(), Options{Root: t.TempDir()}, virtualBox, []*Machine{old, {Name: "debian12"}})
	require.NoError(t, err)
	assert.Equal(t, []*Machine{old}, some)
	require.Len(t, notes, 1)
	assert.Contains(t, notes[0], "NOT TESTED: machine debian12 has no box for VirtualBox")
}

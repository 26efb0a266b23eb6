package settings

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/avirkit/avirkit/internal/build/platform"
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
	all, err := Load(vagrantDir(t), env(map[string]string{Variable: none}))
	require.NoError(t, err)
	require.Len(t, all, 5)
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
	kinds := map[string]bool{}
	for _, m := range all {
		assert.False(t, m.Chosen)
		kinds[m.Platform+" "+m.Packages] = true
	}
	for _, p := range platform.All {
		assert.True(t, kinds[p.Name+" deb"] && kinds[p.Name+" rpm"], "%s has a machine for each kind of package", p)
	}
}

func TestTheEnvironmentNamesABoxOrABoxFile(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "mine.box"), "")
	all, err := Load(vagrantDir(t), env(map[string]string{
		Variable:           write(t, filepath.Join(dir, "s.yml"), "debian6: {version: '1.2', memory: 512}\n"),
		"AVIR_BOX_DEBIAN6": "me/squeeze",
		"AVIR_BOX_CENTOS6": file,
	}))
	require.NoError(t, err)
	assert.Equal(t, "me/squeeze", all[0].Box)
	assert.Empty(t, all[0].Version, "the version was one of another box")
	assert.Equal(t, 512, all[0].Memory)
	assert.True(t, all[0].Chosen)
	assert.Equal(t, file, all[1].File)
	assert.True(t, all[1].Chosen)
	assert.False(t, all[2].Chosen)
}

func TestABoxThatTheSettingsNameIsChosenWhicheverItIs(t *testing.T) {
	for settings, chosen := range map[string]bool{
		"debian6: {memory: 512}\n":                    false,
		"debian6: {box: bento/debian-6.0.10-i386}\n":  true, // the one of machines.yml
		"debian6: {version: '1.2'}\n":                 true,
		"debian6: {file: 'http://127.0.0.1/a.box'}\n": true,
	} {
		path := write(t, filepath.Join(t.TempDir(), "s.yml"), settings)
		all, err := Load(vagrantDir(t), env(map[string]string{Variable: path}))
		require.NoError(t, err)
		assert.Equal(t, chosen, all[0].Chosen, settings)
	}
}

func TestWrongSettingsAreNamed(t *testing.T) {
	for name, c := range map[string]struct{ settings, says string }{
		"an unknown machine":   {"debian7: {memory: 512}\n", "no machine debian7; there are: centos6, centos6x64, debian12, debian12x64, debian6"},
		"an unknown setting":   {"debian6: {memori: 512}\n", "memori"},
		"a wrong format":       {"debian6: {packages: apk}\n", `packages is "apk": it must be deb or rpm`},
		"an unknown platform":  {"debian6: {platform: linux-arm}\n", `platform is "linux-arm": it must be one of linux-386, linux-amd64`},
		"too little memory":    {"debian6: {memory: 64}\n", "at least 128 megabytes"},
		"no processor":         {"debian6: {cpus: 0}\n", "at least 1"},
		"no box":               {"debian6: {box: ''}\n", "set box or file"},
		"a missing box file":   {"debian6: {file: /nonexistent/a.box}\n", "box file: stat /nonexistent/a.box"},
		"something not a list": {"- debian6\n", "cannot unmarshal"},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, filepath.Join(t.TempDir(), "s.yml"), c.settings)
			_, err := Load(vagrantDir(t), env(map[string]string{Variable: path}))
			assert.ErrorContains(t, err, c.says)
		})
	}
	_, err := Load(vagrantDir(t), env(map[string]string{Variable: "/nonexistent.yml"}))
	assert.ErrorContains(t, err, Variable)
}

func TestOneMachineOrAllCanBePicked(t *testing.T) {
	a, b := &Machine{Name: "a"}, &Machine{Name: "b"}
	all := []*Machine{a, b}
	picked, err := Pick(all, nil)
	require.NoError(t, err)
	assert.Equal(t, all, picked)
	picked, err = Pick(all, []string{"b", "b"})
	require.NoError(t, err)
	assert.Equal(t, []*Machine{b}, picked)
	_, err = Pick(all, []string{"c"})
	assert.EqualError(t, err, `no machine "c"; there are: a, b`)
}

func TestTheDigestOfTheSettingsIsForNoOtherBox(t *testing.T) {
	dir := t.TempDir()
	all, err := Load(vagrantDir(t), env(map[string]string{
		Variable:           write(t, filepath.Join(dir, "s.yml"), "debian6: {sha256: '00'}\n"),
		"AVIR_BOX_DEBIAN6": write(t, filepath.Join(dir, "a.box"), "box"),
	}))
	require.NoError(t, err)
	assert.Empty(t, all[0].SHA256)
}

func TestTheVagrantfileFindsEveryValueResolved(t *testing.T) {
	none := write(t, filepath.Join(t.TempDir(), "none.yml"), "")
	all, err := Load(vagrantDir(t), env(map[string]string{Variable: none}))
	require.NoError(t, err)
	all[0].Console, all[0].Boot, all[0].DiskBus = "/c", "/b", "sata"
	path := filepath.Join(t.TempDir(), "run.yml")
	require.NoError(t, Run{Name: "avirkit-1-1", Driver: "qemu", Network: "192.168.121.0/24", BootTimeout: 90}.Write(path, all))

	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, yaml.Unmarshal(data, &got))
	assert.Equal(t, "avirkit-1-1", got["name"])
	assert.Equal(t, 90, got["boot_timeout"])
	assert.Len(t, got["old_ssh_options"], len(OldSSH))
	machine := got["machines"].(map[string]any)["debian6"].(map[string]any)
	for key, want := range map[string]any{"console": "/c", "boot": "/b", "disk_bus": "sata", "box": all[0].Box, "memory": all[0].Memory, "old_ssh": true} {
		assert.Equal(t, want, machine[key], key)
	}
	text, err := os.ReadFile(filepath.Join(vagrantDir(t), "Vagrantfile"))
	require.NoError(t, err)
	for _, key := range regexp.MustCompile(`(?:m|run)\["(\w+)"\]`).FindAllStringSubmatch(string(text), -1) {
		assert.Contains(t, string(data)+"version: sha256: file: nic: ", key[1]+":", "nobody writes what the Vagrantfile reads")
	}
}

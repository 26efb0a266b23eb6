package packages

import (
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/platform"
)

// unpacked builds all packages of a real build and unpacks the tools' for this
// machine, of both formats.
func unpacked(t *testing.T) (folders map[string]string, o Options) {
	t.Helper()
	o = options(t)
	o.Dist = filepath.Dir(built(t))
	require.NoError(t, Build(t.Context(), o))
	p := platform.Native()
	folders = map[string]string{"deb": t.TempDir(), "rpm": t.TempDir()}
	for format, command := range map[string]*exec.Cmd{
		"deb": exec.Command("dpkg-deb", "-x", filepath.Join(o.Out, ToolsName+"_1.3.0_"+p.Deb+".deb"), folders["deb"]),
		"rpm": exec.Command("sh", "-c", `rpm2cpio "$1" | cpio -idm --quiet --no-absolute-filenames`, "sh", filepath.Join(o.Out, ToolsName+"-1.3.0-1."+p.RPM+".rpm")),
	} {
		command.Dir = folders[format]
		out, err := command.CombinedOutput()
		require.NoError(t, err, "%s: %s", format, out)
	}
	return folders, o
}

func TestAvirctlOfThePackagesFindsItsHosts(t *testing.T) {
	folders, o := unpacked(t)
	eicar := filepath.Join(t.TempDir(), "clean.exe")
	require.NoError(t, os.WriteFile(eicar, []byte("clean"), 0o644))
	for format, folder := range folders {
		for _, p := range platform.All {
			cmd := exec.Command(filepath.Join(folder, "usr/bin/avirctl"), "scan", "--hosts", filepath.Join(folder, ToolsFolder),
				"--plugin", filepath.Join(o.Dist, p.Name, "avir_sample.so"), eicar)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s %s: %s", format, p, out)
			assert.Contains(t, string(out), "OK ")
		}
		for _, page := range []string{"avirctl.8.gz", "avirctl-check.8.gz"} {
			assert.FileExists(t, filepath.Join(folder, "usr/share/man/man8", page))
		}
	}
	assert.FileExists(t, filepath.Join(folders["rpm"], "usr/share/licenses", ToolsName, "Apache-2.0"))
}

func TestTheCopyrightNamesEveryModuleInAvirctl(t *testing.T) {
	d, err := Load(filepath.Join(aRoot, "packaging"))
	require.NoError(t, err)
	terms, err := Licenses(d, "tools")
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(aRoot, "packaging", "tools", "copyright"))
	require.NoError(t, err)
	info, err := buildinfo.ReadFile(filepath.Join(built(t), "avirctl"))
	require.NoError(t, err)
	require.NotEmpty(t, info.Deps)
	for _, m := range info.Deps {
		assert.NotEmpty(t, terms[m.Path], "avirctl links %s: packaging/tools/copyright must say under which licence", m.Path)
		assert.Contains(t, string(text), m.Path+", linked into avirctl")
		assert.Contains(t, string(text), m.Version, "the version of %s", m.Path)
	}
}

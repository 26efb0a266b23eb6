package packages

import (
	"debug/buildinfo"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/build/toolchain"
)

func TestABuildMakesAPackageForEachProductPluginPlatformAndFormat(t *testing.T) {
	o := options(t)
	require.NoError(t, Build(t.Context(), o))
	var names, want []string
	files, err := os.ReadDir(o.Out)
	require.NoError(t, err)
	for _, f := range files {
		names = append(names, f.Name())
	}
	for _, name := range []string{ToolsName, "kerio-connect-avir-clam", "kerio-connect-avir-csample", "kerio-connect-avir-sample", "kerio-control-avir-clam", "kerio-control-avir-csample", "kerio-control-avir-sample"} {
		want = append(want, name+"-1.3.0-1.i686.rpm", name+"-1.3.0-1.x86_64.rpm", name+"_1.3.0_amd64.deb", name+"_1.3.0_i386.deb")
	}
	assert.Equal(t, want, names)

	o.Version = parsed(t, "1.4.0-rc.2")
	require.NoError(t, Build(t.Context(), o))
	assert.FileExists(t, filepath.Join(o.Out, "kerio-connect-avir-clam_1.4.0~rc.2_i386.deb"))
	assert.FileExists(t, filepath.Join(o.Out, "kerio-connect-avir-clam-1.4.0-0.rc2.i686.rpm"))
	assert.NoFileExists(t, filepath.Join(o.Out, "kerio-connect-avir-clam_1.3.0_i386.deb"), "the folder holds one version")
}

func TestAFailedBuildLeavesTheEarlierPackages(t *testing.T) {
	o := options(t)
	require.NoError(t, Build(t.Context(), o))
	before := listing(t, o.Dist)
	// What comes last fails, after the others are made.
	require.NoError(t, os.WriteFile(filepath.Join(o.Dist, "linux-amd64", "avir_sample.so"), []byte("no library"), 0o644))
	require.ErrorContains(t, Build(t.Context(), o), "avir_sample.so")
	assert.Equal(t, before, listing(t, o.Dist), "nothing lost, nothing left over")
}

func listing(t *testing.T, dir string) (names []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		names = append(names, path)
		return err
	}))
	return names
}

func TestScriptsAreValidForThePlainestShell(t *testing.T) {
	d, err := Load(filepath.Join(aRoot, "packaging"))
	require.NoError(t, err)
	texts := textsOf(t, d, "clam", platform.All[0])
	scripts, err := filepath.Glob(filepath.Join(aRoot, "packaging", "*", "p*"))
	require.NoError(t, err)
	var n int
	for _, script := range scripts {
		if name := filepath.Base(script); name == "plugin.yml" {
			continue
		}
		n++
		text, err := texts.file(filepath.Base(filepath.Dir(script)), filepath.Base(script))
		require.NoError(t, err)
		shell := exec.Command("dash", "-n")
		shell.Stdin = strings.NewReader(string(text))
		out, err := shell.CombinedOutput()
		assert.NoErrorf(t, err, "%s: %s", script, out)
		said := regexp.MustCompile(`(?m)^\s*echo .*$`)
		for _, word := range []string{"[[", "function ", "systemctl", "service ", "invoke-rc.d", "/etc/init.d", "restart"} {
			// Only what is printed may speak of a restart.
			code, _, _ := strings.Cut(string(text), "END_OF_NEXT_STEPS")
			assert.NotContains(t, said.ReplaceAllString(code, ""), word, script)
		}
	}
	assert.Equal(t, 6, n, "scripts of both formats")
}

// built returns dist of a build with gcc, which this makes if it must.
func built(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(aRoot)
	require.NoError(t, err)
	dist := build.TestDist(root, toolchain.GCC)
	_, err = build.Run(t.Context(), build.Options{Root: root, Toolchain: toolchain.GCC, Dist: dist})
	require.NoError(t, err)
	return filepath.Join(dist, "linux-386")
}

func TestTheREADMENamesTheOptionsThatTheLibraryHas(t *testing.T) {
	dir := built(t)
	d, err := Load(filepath.Join(aRoot, "packaging"))
	require.NoError(t, err)
	for _, plugin := range slices.Sorted(maps.Keys(d.Plugins)) {
		texts := textsOf(t, d, plugin, platform.All[0])
		readme, err := texts.file(plugin, "README")
		require.NoError(t, err)
		out, err := exec.Command(filepath.Join(dir, "avserver"), "--info", "--plugin", filepath.Join(dir, d.Plugins[plugin].Library)).Output()
		require.NoError(t, err)
		var options []string
		for line := range strings.Lines(string(out)) {
			if f := strings.Split(strings.TrimRight(line, "\n"), "\t"); f[0] == "option" {
				options = append(options, f[1])
				if plugin == "clam" { // the sample's are only named
					assert.Regexp(t, `(?m)^  `+f[1]+` +`+f[2]+`( |$)`, string(readme), "option and default")
				}
				assert.Contains(t, string(readme), f[1])
			}
		}
		require.NotEmpty(t, options)
	}
}

func TestTheCopyrightNamesEveryModuleInTheLibrary(t *testing.T) {
	dir := built(t)
	d, err := Load(filepath.Join(aRoot, "packaging"))
	require.NoError(t, err)
	for _, plugin := range slices.Sorted(maps.Keys(d.Plugins)) {
		terms, err := Licenses(d, plugin)
		require.NoError(t, err)
		texts := textsOf(t, d, plugin, platform.All[0])
		text, err := texts.file("copyright")
		require.NoError(t, err)
		info, err := buildinfo.ReadFile(filepath.Join(dir, d.Plugins[plugin].Library))
		if plugin == "csample" {
			require.ErrorContains(t, err, "not a Go executable")
			assert.NotContains(t, string(text), "Go's runtime")
			continue
		}
		require.NoError(t, err)
		assert.Contains(t, string(text), "Go's runtime and standard library, linked into the library")
		for _, m := range info.Deps {
			assert.NotEmpty(t, terms[m.Path], "%s links %s: packaging/%s/copyright must say under which licence", plugin, m.Path, plugin)
			if m.Replace == nil {
				assert.Contains(t, string(text), m.Path+", linked into the library")
				assert.Contains(t, string(text), m.Version, "the version of %s", m.Path)
			}
		}
	}
}

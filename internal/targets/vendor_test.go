package targets

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/newplugin"
	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/run"
)

// A vendor's way from nothing to packages: a new folder is built, tested and
// packaged as it is, in each language. One builds while another is tested.
func TestANewPluginIsBuiltTestedAndPackagedAsItIs(t *testing.T) {
	t.Setenv("AVIR_TOOLCHAIN", toolchain.GCC)
	var ways sync.WaitGroup
	for _, language := range newplugin.Languages() {
		ways.Go(func() { t.Run(language, func(t *testing.T) { toPackages(t, language) }) })
	}
	ways.Wait()
}

func toPackages(t *testing.T, language string) {
	name, dir := "mine", filepath.Join(t.TempDir(), "it's [any] \"dir\", $HOME `x` ü=1%")
	require.NoError(t, New(context.Background(), &name, &language, &dir))
	require.NoError(t, TestVendor(context.Background(), &dir))
	require.NoError(t, PackageVendor(context.Background(), &dir))
	for _, pattern := range []string{"linux-386/avir_mine.so", "linux-amd64/avir_mine.so", "packages/kerio-connect-avir-mine_0.1.0_amd64.deb", "packages/kerio-control-avir-mine-0.1.0-1.i686.rpm"} {
		assert.FileExists(t, filepath.Join(dir, "dist", filepath.FromSlash(pattern)))
	}
}

// The compiler accepts each of these; in the product the plugin would have no
// name, or could not be started.
func TestABuildRefusesAPluginThatDoesNotSayWhoItIs(t *testing.T) {
	t.Setenv("AVIR_TOOLCHAIN", toolchain.GCC)
	for fault, c := range map[string]struct{ language, file, from, to, want string }{
		"Go":  {"go", "main.go", "return api.NewInfo(", "if true { return api.Info{} }; return api.NewInfo(", "avir_mine for linux-amd64: the plugin has no name and no description: give it to api.NewInfo"},
		"C++": {"c++", "mine.h", `#define AVPLUGIN_SHORTCUT "avir_mine"`, "#define N \"avir_other\"\n#define AVPLUGIN_SHORTCUT N", `calls itself "avir_other"`},
	} {
		t.Run(fault, func(t *testing.T) {
			name, dir, platforms := "mine", filepath.Join(t.TempDir(), "mine"), "linux-amd64"
			require.NoError(t, New(context.Background(), &name, &c.language, &dir))
			file := filepath.Join(dir, c.file)
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Contains(t, string(text), c.from)
			require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(text), c.from, c.to, 1)), 0o600))
			require.ErrorContains(t, BuildVendor(context.Background(), &dir, &platforms), c.want)
			assert.NoDirExists(t, filepath.Join(dir, "dist", "linux-amd64"))
		})
	}
}

func TestWhatComesNextCanBeTypedForAnyFolder(t *testing.T) {
	var out bytes.Buffer
	old := run.Out
	run.Out = &out
	t.Cleanup(func() { run.Out = old })
	name, language, dir := "mine", "c", filepath.Join(t.TempDir(), "Bob's plugins", "mine")
	require.NoError(t, New(context.Background(), &name, &language, &dir))
	_, line, found := strings.Cut(out.String(), "\n\tgo tool mage ")
	require.True(t, found, out.String())
	line, _, _ = strings.Cut(line, "\n")
	words, err := exec.Command("sh", "-c", "printf '%s|' "+line).Output()
	require.NoError(t, err)
	assert.Equal(t, "build|-plugin="+dir+"|", string(words))
}

func TestAFolderThatIsNoPluginIsNamed(t *testing.T) {
	empty, missing := t.TempDir(), filepath.Join(t.TempDir(), "mine")
	assert.ErrorContains(t, BuildVendor(context.Background(), &empty, nil), "mage new")
	assert.ErrorContains(t, BuildVendor(context.Background(), &missing, nil), missing+" is no folder")
	for folder, want := range map[string]string{"": "-plugin= names no folder", "~/mine": "write $HOME"} {
		assert.ErrorContains(t, BuildVendor(context.Background(), &folder, nil), want)
	}
	ours := filepath.Join(t.TempDir(), "clam")
	require.NoError(t, os.Mkdir(ours, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(ours, "clam.c"), nil, 0o600))
	assert.ErrorContains(t, BuildVendor(context.Background(), &ours, nil), "a plugin avir_clam of its own, in plugins/clam: take another name")
}

// What is wrong with a vendor's files, before anything is compiled or packaged.
func TestAVendorsFileIsNamedInTheErrorAboutIt(t *testing.T) {
	root, err := run.Root()
	require.NoError(t, err)
	for fault, c := range map[string]struct{ file, text, want string }{
		"no version":                       {"VERSION", "", `VERSION: "" is not a version`},
		"two lines of versions":            {"VERSION", "1.0.0\n2.0.0\n", `VERSION: "1.0.0\n2.0.0" is not a version: it must look like 1.3.0`},
		"a version without an entry":       {"VERSION", "1.0.0\n", "VERSION says 1.0.0, and the newest entry of "},
		"a template that is none":          {"packaging/mine/plugin.yml", "library: avir_mine.so\nlibary: x\n", "packaging/mine/plugin.yml: "},
		"a folder's name in large letters": {"packaging/Mine/plugin.yml", "library: avir_mine.so\n", "packaging/Mine/plugin.yml: the folder's name is part"},
	} {
		t.Run(fault, func(t *testing.T) {
			name, language, dir := "mine", "c", filepath.Join(t.TempDir(), "mine")
			require.NoError(t, New(context.Background(), &name, &language, &dir))
			file := filepath.Join(dir, filepath.FromSlash(c.file))
			require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
			require.NoError(t, os.WriteFile(file, []byte(c.text), 0o600))
			err := packageFolder(context.Background(), root, dir, nil)
			assert.ErrorContains(t, err, c.want)
			assert.ErrorContains(t, err, file)
		})
	}
}

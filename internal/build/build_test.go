package build

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/audit"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/run"
)

var shipped = []Plugin{{Name: "avir_clam", Dir: "plugins/clam"}, {Name: "avir_sample", Dir: "plugins/sample"}}

// first is the folder of the first platform.
var first = platform.All[0].Name

var toolchains = []string{toolchain.Zig, toolchain.GCC}

var built = map[string]func() (string, error){
	toolchain.Zig: sync.OnceValues(func() (string, error) { return buildOnce(toolchain.Zig) }),
	toolchain.GCC: sync.OnceValues(func() (string, error) { return buildOnce(toolchain.GCC) }),
}

func buildOnce(name string) (string, error) {
	root, err := run.Root()
	if err != nil {
		return "", err
	}
	dir := TestDist(root, name)
	_, err = Run(context.Background(), Options{Root: root, Toolchain: name, Dist: dir})
	return dir, err
}

// dist builds with the toolchain, or finds that it is built, and returns where.
func dist(t *testing.T, name string) string {
	t.Helper()
	dir, err := built[name]()
	require.NoError(t, err)
	return dir
}

// everywhere runs a test for each toolchain and platform.
func everywhere(t *testing.T, test func(t *testing.T, dist string, p *platform.Platform)) {
	t.Helper()
	for _, name := range toolchains {
		for _, p := range platform.All {
			t.Run(name+" "+p.Name, func(t *testing.T) { test(t, dist(t, name), p) })
		}
	}
}

// eachOnce runs a test for each toolchain and each platform once; at full
// length it runs it for all pairs of them.
func eachOnce(t *testing.T, test func(t *testing.T, dist string, p *platform.Platform)) {
	t.Helper()
	if os.Getenv("AVIR_FULL") == "1" {
		everywhere(t, test)
		return
	}
	for i := range max(len(toolchains), len(platform.All)) {
		name, p := toolchains[i%len(toolchains)], platform.All[i%len(platform.All)]
		t.Run(name+" "+p.Name, func(t *testing.T) { test(t, dist(t, name), p) })
	}
}

func TestBothToolchainsMakeLibrariesThatPassTheAudit(t *testing.T) {
	everywhere(t, func(t *testing.T, dist string, p *platform.Platform) {
		for _, plugin := range shipped {
			report, err := audit.File(filepath.Join(dist, p.Name, plugin.Name+".so"), Policy())

			require.NoError(t, err)
			require.NoError(t, report.Err())
			assert.Equal(t, p.Name, report.Platform)
			assert.Equal(t, []string{"get_plugin_extended_iface"}, report.Exports)
			assert.Equal(t, "go1.23.12", report.Go.Version)
			assert.NotContains(t, report.Flags, "TEXTREL")
			assert.Contains(t, report.Needed, "libpthread.so.0")
			assert.True(t, report.Stripped)
			assert.Equal(t, plugin.Name+".so.debug", report.Debuglink)
		}
	})
}

func TestTheManifestTellsWhatWasMade(t *testing.T) {
	for _, name := range toolchains {
		t.Run(name, func(t *testing.T) {
			dir := dist(t, name)
			m, err := ReadManifest(dir)
			require.NoError(t, err)
			assert.Equal(t, name, m.Toolchain)
			for _, l := range m.Libraries {
				mended := name == toolchain.Zig && l.Platform == "linux-386" && l.Audit.Go != nil
				assert.Equal(t, mended, l.Mended > 1000, "%s %s: %d places mended", l.Platform, l.Name, l.Mended)
			}
			sums, err := os.ReadFile(filepath.Join(dir, ChecksumsName))
			require.NoError(t, err)
			for _, path := range []string{ManifestName,
				"linux-386/avir_clam.so", "linux-386/avir_sample.so", "linux-386/avserver", "linux-386/harness", "linux-386/avirctl", "linux-386/fakeclamd",
				"linux-amd64/avir_clam.so", "linux-amd64/avir_sample.so", "linux-amd64/avserver", "linux-amd64/harness", "linux-amd64/avirctl", "linux-amd64/fakeclamd",
				"debug/linux-386/avir_clam.so.debug", "debug/linux-amd64/avir_clam.so.debug"} {
				assert.Contains(t, string(sums), "  "+path+"\n")
				assert.FileExists(t, filepath.Join(dir, path))
			}
			root, err := run.Root()
			require.NoError(t, err)
			manifest, err := os.ReadFile(filepath.Join(dir, ManifestName))
			require.NoError(t, err)
			assert.NotContains(t, string(manifest), root, "paths of this machine make builds differ")
		})
	}
}

func TestNoFileTellsWhereTheCheckoutLies(t *testing.T) {
	root, err := run.Root()
	require.NoError(t, err)
	for _, name := range toolchains {
		m, err := ReadManifest(dist(t, name))
		require.NoError(t, err)
		for _, f := range m.Files {
			data, err := os.ReadFile(filepath.Join(dist(t, name), f.Path))
			require.NoError(t, err)
			assert.False(t, bytes.Contains(data, []byte(root)), "%s's %s would be another file in another folder", name, f.Path)
		}
	}
}

func TestWhatOnlyUsesABuildKeepsItsToolchain(t *testing.T) {
	dir := dist(t, toolchain.GCC)
	root, err := run.Root()
	require.NoError(t, err)
	out := prints(t)
	m, err := Run(context.Background(), Options{Root: root, Dist: dir, Keep: true})
	require.NoError(t, err)
	assert.Equal(t, toolchain.GCC, m.Toolchain)
	assert.Contains(t, out.String(), ": it made what is in "+dir+", and AVIR_TOOLCHAIN names no other\nup to date")
}

func TestAWrongVersionIsRefusedBeforeAnythingIsCompiled(t *testing.T) {
	root, err := run.Root()
	require.NoError(t, err)
	for text, want := range map[string]string{"": `VERSION: "" is not`, " \n": `VERSION: "" is not`, "v1": `"v1" is not a version: it must look like 1.3.0`,
		"1.0.0\n-X main.x=1": "is not a version", strings.Repeat("1", 300): `VERSION: "` + strings.Repeat("1", 40) + `" is not`, "none": "VERSION is missing: write the version"} {
		dir := folderOf(t, map[string]string{"mine.c": "", "VERSION": text})
		if text == "none" {
			require.NoError(t, os.Remove(filepath.Join(dir, "VERSION")))
		}
		out := prints(t)
		_, err := Run(context.Background(), Options{Root: root, Toolchain: toolchain.GCC, Plugin: dir})
		assert.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "\n")
		assert.Empty(t, out.String())
	}
}

func TestABuildOfUnchangedInputsDoesNothing(t *testing.T) {
	dir := dist(t, toolchain.GCC)
	library := filepath.Join(dir, first, "avir_clam.so")
	before, err := os.Stat(library)
	require.NoError(t, err)

	_, err = buildOnce(toolchain.GCC)

	require.NoError(t, err)
	again, err := os.Stat(library)
	require.NoError(t, err)
	assert.True(t, os.SameFile(before, again))
	assert.Equal(t, before.ModTime(), again.ModTime())
}

func TestADamagedDistIsNotUpToDate(t *testing.T) {
	from := dist(t, toolchain.GCC)
	m, err := ReadManifest(from)
	require.NoError(t, err)
	library := filepath.Join(first, "avir_clam.so")
	for name, c := range map[string]struct {
		damage func(dir string) error
		path   string
	}{
		"a file cut off":                {func(dir string) error { return os.Truncate(filepath.Join(dir, library), 100) }, library},
		"a file that others can't read": {func(dir string) error { return os.Chmod(filepath.Join(dir, library), 0o700) }, library},
		"a file too many":               {func(dir string) error { return os.WriteFile(filepath.Join(dir, first, "foreign"), nil, 0o644) }, "linux-386/foreign"},
		"links missing":                 {func(dir string) error { return os.RemoveAll(filepath.Join(dir, DirDebug, first, ".build-id")) }, "debug/linux-386/.build-id/"},
		"checksums missing":             {func(dir string) error { return os.Remove(filepath.Join(dir, ChecksumsName)) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			copied := t.TempDir()
			require.NoError(t, os.CopyFS(copied, os.DirFS(from)))
			require.NotNil(t, upToDate(copied, m.Inputs))
			require.Nil(t, upToDate(copied, "of other inputs"))

			require.NoError(t, c.damage(copied))

			assert.Nil(t, upToDate(copied, m.Inputs))
			if _, err = ReadManifest(copied); c.path != "" {
				assert.ErrorContains(t, err, c.path)
				assert.ErrorContains(t, err, "is not as it was built")
			}
		})
	}
}

// buildID returns a file's build id in hexadecimal.
func buildID(t *testing.T, path string) string {
	t.Helper()
	f, err := elf.Open(path)
	require.NoError(t, err)
	defer f.Close()
	note, err := f.Section(".note.gnu.build-id").Data()
	require.NoError(t, err)
	const header = 16 // three words and the name "GNU\0"
	require.Greater(t, len(note), header)
	return hex.EncodeToString(note[header:])
}

func TestDebugInformationBelongsToItsLibrary(t *testing.T) {
	everywhere(t, func(t *testing.T, dist string, p *platform.Platform) {
		for _, file := range []string{"avir_clam.so", "avir_sample.so"} {
			id := buildID(t, filepath.Join(dist, p.Name, file))
			byID := filepath.Join(dist, DirDebug, p.Name, ".build-id", id[:2], id[2:]+".debug")
			f, err := elf.Open(byID)
			require.NoError(t, err)
			defer f.Close()
			_, err = f.Symbols()
			assert.NoError(t, err)
			assert.Equal(t, id, buildID(t, byID))
			info := f.Section(".debug_info")
			if info == nil {
				info = f.Section(".zdebug_info")
			}
			require.NotNil(t, info, "no DWARF in %s", byID)
		}
	})
}

func TestAFailedPublicationLeavesDistAsItWas(t *testing.T) {
	from := dist(t, toolchain.GCC)
	m, err := ReadManifest(from)
	require.NoError(t, err)
	copied := t.TempDir()
	require.NoError(t, os.CopyFS(copied, os.DirFS(from)))
	stage, err := stageIn(copied)
	require.NoError(t, err)
	for _, dir := range []string{DirDebug, first} { // one is missing
		require.NoError(t, os.Mkdir(filepath.Join(stage, dir), 0o755))
	}
	b := &builder{Options: Options{Dist: copied, Platforms: platform.All}, stage: stage}

	require.Error(t, b.publish(&Manifest{}))
	assert.NotNil(t, upToDate(copied, m.Inputs))

	require.Error(t, b.swap(first, ChecksumsName, ManifestName, "missing"))
	assert.NotNil(t, upToDate(copied, m.Inputs))
}

func TestAFolderThatRefusesTheResultsIsSaidWithARemedy(t *testing.T) {
	_, err := stageIn("/sys/mine/dist") // where nobody, not even root, makes a folder
	assert.ErrorContains(t, err, "results go into /sys/mine/dist: make it writable, or build a copy of /sys/mine")
	assert.ErrorContains(t, writable("/mine/dist", &os.PathError{Err: syscall.EROFS}), "build a copy of /mine")
	full := &os.PathError{Err: syscall.ENOSPC}
	assert.Equal(t, error(full), writable("/mine/dist", full))
}

func TestAFullDiskIsSaidInOneLine(t *testing.T) {
	err := explainFull(&os.PathError{Op: "write", Path: "x", Err: os.ErrInvalid})
	assert.NotContains(t, err.Error(), "disk is full")
	for _, text := range []string{"link: no space left on device\nmore", "error: NoSpaceLeft"} {
		err := explainFull(assertError(text))
		assert.ErrorContains(t, err, "the disk is full: free some space")
		assert.Equal(t, 1, len(strings.Split(err.Error(), "\n")))
	}
}

type assertError string

func (e assertError) Error() string { return string(e) }

func TestABuildForOnePlatformHoldsNoFilesOfAnother(t *testing.T) {
	from := dist(t, toolchain.GCC)
	root, err := run.Root()
	require.NoError(t, err)
	copied := t.TempDir()
	require.NoError(t, os.CopyFS(copied, os.DirFS(from)))
	only := platform.All[:1]

	m, err := Run(context.Background(), Options{Root: root, Toolchain: toolchain.GCC, Dist: copied, Platforms: only})

	require.NoError(t, err)
	require.Len(t, m.Platforms, 1)
	assert.DirExists(t, filepath.Join(copied, only[0].Name))
	for _, p := range platform.All[1:] {
		assert.NoDirExists(t, filepath.Join(copied, p.Name))
		assert.NoDirExists(t, filepath.Join(copied, DirDebug, p.Name))
	}
}

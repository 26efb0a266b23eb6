package build

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/run"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

const mainPackage = "package main\n\nfunc main() {}\n"

func TestEveryFolderWithAPackageMainIsBuilt(t *testing.T) {
	root := filepath.Join(t.TempDir(), "with[brackets]")
	_, err := Plugins(root)
	require.ErrorContains(t, err, "is the checkout complete")
	for path, text := range map[string]string{
		"plugins/mine/plugin.go": mainPackage, "plugins/clam/main.go": mainPackage, "plugins/clam/clamd/doc.go": "package clamd\n",
		"plugins/notes/README": "", "plugins/shared/shared.go": "package shared\n", "plugins/_old/main.go": mainPackage, "linked/main.go": mainPackage,
		"plugins/vendors/main.go": mainPackage, "plugins/vendors/go.mod": "module example.org/vendor\n",
	} {
		write(t, filepath.Join(root, path), text)
	}
	require.NoError(t, os.Symlink("../linked", filepath.Join(root, "plugins", "theirs")))

	found, err := Plugins(root)

	require.NoError(t, err)
	assert.Equal(t, []Plugin{
		{Name: "avir_clam", Dir: "plugins/clam"}, {Name: "avir_mine", Dir: "plugins/mine"}, {Name: "avir_theirs", Dir: "plugins/theirs"},
	}, found)
}

func TestWhatABuildDependsOnIsAmongItsSources(t *testing.T) {
	root, err := run.Root()
	require.NoError(t, err)
	env, err := TargetGo(context.Background(), root)
	require.NoError(t, err)
	b := &builder{Options: Options{Root: root}, targetGo: env}

	sources, err := b.sources(context.Background(), shipped)

	require.NoError(t, err)
	for _, path := range []string{
		"api/abi/avApi.h", "api/abi/exports.map", "api/go.mod",
		"plugins/go.mod", "plugins/go.sum", "plugins/clam/main.go", "plugins/sample/main.go", "plugins/clam/cmd/fakeclamd/main.go",
		"harness/go.mod", "harness/main.go", "harness/avirctl/main.go", "harness/avserver/wire.h",
		"internal/build/programs.go", "internal/build/lldmend/mend.go", "internal/build/audit/policy.go", "internal/build/platform/list.go",
		"internal/build/glibc/glibc-2.11-i386.abilist", "internal/build/glibc/glibc-2.11-x86_64.abilist",
		"internal/build/toolchain/stubs.go", "internal/build/toolchain/npm/package-lock.json",
		"internal/versions/versions.go", "internal/atomicdir/swap.go", "internal/run/command.go", "internal/hostdeps/hostdeps.go",
	} {
		assert.Contains(t, sources, path)
	}
	for _, path := range []string{"README.md", "internal/packages/build.go", "internal/build/build_test.go", "plugins/clam/plugin_test.go"} {
		assert.NotContains(t, sources, path)
	}
}

func TestWhatABuildDependsOnChangesItsInputs(t *testing.T) {
	root := filepath.Join(t.TempDir(), "checkout")
	write(t, filepath.Join(root, "go.mod"), "module example.org/tools\n\ngo 1.23\n")
	write(t, filepath.Join(root, "internal", "build", "build.go"), "package build\n\nimport _ \"example.org/tools/internal/used\"\n")
	write(t, filepath.Join(root, "internal", "used", "used.go"), "package used\n")
	write(t, filepath.Join(root, "harness", "go.mod"), "module example.org/harness\n\ngo 1.23\n")
	write(t, filepath.Join(root, "harness", "main.go"), mainPackage)
	write(t, filepath.Join(root, "harness", "avirctl", "main.go"), mainPackage)
	write(t, filepath.Join(root, "api", "go.mod"), "module example.org/api\n\ngo 1.23\n")
	write(t, filepath.Join(root, "api", "api.go"), "package api\n")
	write(t, filepath.Join(root, "api", "abi", "abi.go"), "package abi\n")
	write(t, filepath.Join(root, "plugins", "go.mod"),
		"module example.org/plugins\n\ngo 1.23\n\nrequire example.org/api v0.0.0\n\nreplace example.org/api => ../api\n")
	write(t, filepath.Join(root, "plugins", "clam", "cmd", "fakeclamd", "main.go"), mainPackage)
	write(t, filepath.Join(root, "plugins", "mine", "main.go"), "package main\n\nimport _ \"example.org/api\"\n\nfunc main() {}\n")
	write(t, filepath.Join(root, "VERSION"), "1.0.0\n")
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	write(t, filepath.Join(elsewhere, "theirs", "main.go"), mainPackage)
	write(t, filepath.Join(elsewhere, "more.go"), "package main\n")
	p := platform.All[0]
	compiler := &toolchain.Compiler{}
	b := &builder{
		Options: Options{Root: root, Platforms: []*platform.Platform{p}},
		tc:      &toolchain.Toolchain{Name: "gcc", Compilers: map[*platform.Platform]*toolchain.Compiler{p: compiler}},
	}
	var seen []string
	changed := func(what string) {
		t.Helper()
		now, err := b.inputs(context.Background())
		require.NoError(t, err)
		assert.NotContains(t, seen, now, what)
		seen = append(seen, now)
	}
	changed("at first")

	write(t, filepath.Join(root, "VERSION"), "1.0.1\n")
	changed("the version")
	write(t, filepath.Join(root, "internal", "used", "used.go"), "package used // changed\n")
	changed("a package that the tools import")
	write(t, filepath.Join(root, "api", "exports.map"), "{};\n")
	changed("a file of a module that a plugin imports")
	write(t, filepath.Join(root, "harness", "avserver", "main.c"), "int main;\n")
	changed("the host in C")
	write(t, filepath.Join(root, "plugins", "mine", "more.txt"), "embedded")
	changed("a file of a plugin")
	require.NoError(t, os.Symlink(filepath.Join(elsewhere, "theirs"), filepath.Join(root, "plugins", "theirs")))
	changed("a link to a plugin")
	write(t, filepath.Join(elsewhere, "theirs", "main.go"), mainPackage+"// changed\n")
	changed("a linked plugin")
	require.NoError(t, os.Symlink(filepath.Join(elsewhere, "more.go"), filepath.Join(root, "plugins", "mine", "more.go")))
	changed("a link to a file")
	write(t, filepath.Join(elsewhere, "more.go"), "package main // changed\n")
	changed("a linked file")
	b.tc.Tools = []string{"GNU ld 3"}
	changed("the linker")
	b.objcopy = "GNU objcopy 3"
	changed("objcopy")
	compiler.LinkFlags = []string{"-Wl,-x"}
	changed("a flag")

	write(t, filepath.Join(root, "plugins", "mine", "main_test.go"), "package main\n")
	write(t, filepath.Join(root, "internal", "other", "other.go"), "package other\n")
	require.NoError(t, os.Symlink("..", filepath.Join(root, "plugins", "mine", "circle")))
	now, err := b.inputs(context.Background())
	require.NoError(t, err)
	assert.Equal(t, seen[len(seen)-1], now, "tests and what nobody imports are no part of a build, and a circle ends")
}

// copyCheckout copies what git tracks, and what it would.
func copyCheckout(t *testing.T, from, to string) {
	t.Helper()
	out, err := run.Command{Name: "git", Args: []string{"ls-files", "-z", "--cached", "--others", "--exclude-standard"}, Dir: from}.Run(context.Background())
	require.NoError(t, err)
	for _, path := range strings.Split(strings.TrimSuffix(out, "\x00"), "\x00") {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(to, path)), 0o755))
		if err := copyFile(filepath.Join(from, path), filepath.Join(to, path)); !errors.Is(err, fs.ErrNotExist) {
			require.NoError(t, err)
		}
	}
}

func TestTwoFoldersMakeTheSameBytes(t *testing.T) {
	here := dist(t, toolchain.GCC)
	from, err := run.Root()
	require.NoError(t, err)
	there := filepath.Join(t.TempDir(), "a[nother] checkout, of a longer name")
	require.ErrorContains(t, Passable(there), "move the checkout")
	there = filepath.Join(t.TempDir(), "a[nother]-checkout-of-a-longer-name")
	copyCheckout(t, from, there)
	_, err = run.Command{Name: "git", Args: []string{"init", "-q", there}}.Run(context.Background())
	require.NoError(t, err)
	// What other people have in their environment.
	defer unix.Umask(unix.Umask(0o077))
	theirs := filepath.Join(t.TempDir(), "include")
	write(t, filepath.Join(theirs, "stdio.h"), "#error not ours\n")
	for _, name := range toolchain.Ambient {
		t.Setenv(name, theirs)
	}
	for name, value := range map[string]string{
		"CC": "/nonexistent/cc", "CXX": "/nonexistent/c++", "CGO_ENABLED": "0", "CGO_CFLAGS": "-nonsense", "CGO_CXXFLAGS": "-nonsense",
		"CGO_CPPFLAGS": "-nonsense", "CGO_LDFLAGS": "-nonsense", "GOFLAGS": "-race -tags=mine", "GOOS": "windows", "GOARCH": "arm64", "GO386": "softfloat",
		"GOAMD64": "v3", "GOWORK": "/nonexistent/go.work", "GOEXPERIMENT": "nonsense", "GOTOOLCHAIN": "local",
		"GIT_DIR": "/nonexistent", "LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Tokyo",
	} {
		t.Setenv(name, value)
	}

	_, err = Run(context.Background(), Options{Root: there, Toolchain: toolchain.GCC})

	require.NoError(t, err)
	for _, name := range []string{ChecksumsName, ManifestName} {
		one, err := os.ReadFile(filepath.Join(here, name))
		require.NoError(t, err)
		other, err := os.ReadFile(filepath.Join(there, "dist", name))
		require.NoError(t, err)
		assert.True(t, slices.Equal(one, other), "%s\n%s", one, other)
	}
	info, err := os.Stat(filepath.Join(there, "dist", platform.All[0].Name))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o755), info.Mode().Perm(), "whatever the umask is")
}

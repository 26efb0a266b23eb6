package build

import (
	"context"
	"os"
	"path/filepath"
	"slices"
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

func TestWhatABuildDependsOnChangesItsInputs(t *testing.T) {
	root := filepath.Join(t.TempDir(), "checkout")
	for _, dir := range sourceDirs {
		write(t, filepath.Join(root, dir, "doc.go"), "package x\n")
	}
	write(t, filepath.Join(root, "plugins", "mine", "main.go"), mainPackage)
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
		now, err := b.inputs()
		require.NoError(t, err)
		assert.NotContains(t, seen, now, what)
		seen = append(seen, now)
	}
	changed("at first")

	write(t, filepath.Join(root, "plugins", "mine", "more.txt"), "embedded")
	changed("a file")
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
	require.NoError(t, os.Symlink("..", filepath.Join(root, "plugins", "mine", "circle")))
	now, err := b.inputs()
	require.NoError(t, err)
	assert.Equal(t, seen[len(seen)-1], now, "tests are no part of a build, and a circle ends")
}

func TestTwoFoldersMakeTheSameBytes(t *testing.T) {
	here := dist(t, toolchain.GCC)
	from, err := run.Root()
	require.NoError(t, err)
	there := filepath.Join(t.TempDir(), "a[nother] checkout, of a longer name")
	require.ErrorContains(t, passable(there), "move the checkout")
	there = filepath.Join(t.TempDir(), "a[nother]-checkout-of-a-longer-name")
	for _, dir := range sourceDirs {
		require.NoError(t, os.CopyFS(filepath.Join(there, dir), os.DirFS(filepath.Join(from, dir))))
	}
	require.NoError(t, copyFile(filepath.Join(from, "VERSION"), filepath.Join(there, "VERSION")))
	// What other people have in their environment.
	defer unix.Umask(unix.Umask(0o077))
	theirs := filepath.Join(t.TempDir(), "include")
	write(t, filepath.Join(theirs, "stdio.h"), "#error not ours\n")
	for _, name := range toolchain.Ambient {
		t.Setenv(name, theirs)
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

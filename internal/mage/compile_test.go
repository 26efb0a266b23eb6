package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/magefile/mage/mage"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// checkout is a folder with a magefile whose only target prints a word, and the
// invocation of mage in it.
func checkout(t *testing.T, cache, word string) mage.Invocation {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":      "module example.org/checkout\n\ngo 1.23\n",
		"word.go":     "package checkout\n",
		"magefile.go": "//go:build mage\n\npackage main\n\nimport \"example.org/checkout/word\"\n\nfunc Say() { word.Say() }\n",
		"word/say.go": "package word\n\nfunc Say() { print(" + strconv.Quote(word) + ") }\n",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	return mage.Invocation{Dir: dir, WorkDir: dir, CacheDir: cache, Stderr: os.Stderr, Stdout: os.Stdout, Args: []string{"say"}}
}

func say(t *testing.T, program string) string {
	t.Helper()
	out, err := exec.Command(program, "say").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

func TestTargetsAreCompiledWhateverTheEnvironmentSays(t *testing.T) {
	for name, value := range map[string]string{
		"CC": "/nonexistent/cc", "CGO_ENABLED": "1", "CGO_CFLAGS": "-nonsense", "GOFLAGS": "-mod=vendor",
		"GOWORK": "/nonexistent/go.work", "GOARCH": "arm64",
	} {
		t.Setenv(name, value)
	}

	program, err := compile(checkout(t, t.TempDir(), "hello"))

	require.NoError(t, err)
	assert.Equal(t, "hello", say(t, program))
	assert.Equal(t, "/nonexistent/go.work", os.Getenv("GOWORK"), "the targets get what the user has set")
}

func TestMagesThatRunAtTheSameTimeWaitForEachOther(t *testing.T) {
	cache := t.TempDir()
	one, other := checkout(t, cache, "one"), checkout(t, cache, "other")
	first, err := compile(one)
	require.NoError(t, err)
	kept := first + "-kept" // as all of this test's have one process id
	require.NoError(t, os.Rename(first, kept))

	var compiled errgroup.Group
	for _, inv := range []mage.Invocation{one, one, other, other} {
		compiled.Go(func() error {
			_, err := compile(inv)
			return err
		})
	}
	require.NoError(t, compiled.Wait())

	assert.Equal(t, "one", say(t, kept))
	program, err := compile(other)
	require.NoError(t, err)
	assert.Equal(t, "other", say(t, program), "though the magefiles are the same")
	left, err := filepath.Glob(filepath.Join(one.Dir, "mage_output_file*"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

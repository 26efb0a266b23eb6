package newplugin

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/run"
)

func options(t *testing.T, language string) Options {
	t.Helper()
	root, err := run.Root()
	require.NoError(t, err)
	return Options{Root: root, Name: "mine", Language: language, Dir: filepath.Join(t.TempDir(), "mine"), GoEnv: []string{"GOFLAGS=-mod=mod", "GOWORK=off"}}
}

func TestAFolderHoldsTheSampleUnderItsOwnName(t *testing.T) {
	for _, language := range Languages() {
		t.Run(language, func(t *testing.T) {
			o := options(t, language)
			dir, err := Write(context.Background(), o)
			require.NoError(t, err)
			assert.Equal(t, o.Dir, dir)
			named := false
			require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
				if err != nil || d.IsDir() || d.Name() == "go.sum" {
					return err
				}
				text, err := os.ReadFile(path)
				require.NoError(t, err)
				for _, left := range []string{"avir_sample", "avir_csample", "avSample", "NAME", "PACKAGE", "TODAY", "CHECKOUT"} {
					assert.NotContains(t, string(text), left, path)
				}
				named = named || strings.Contains(string(text), `"avir_mine"`)
				return nil
			}))
			assert.True(t, named, "a source says avir_mine")
			assert.FileExists(t, filepath.Join(dir, "packaging", "mine", "plugin.yml"))
			copyright, err := os.ReadFile(filepath.Join(dir, "packaging", "copyright"))
			require.NoError(t, err)
			assert.Equal(t, language == "go", strings.Contains(string(copyright), "Files: Go's runtime"))
			assert.Equal(t, language == "c++", strings.Contains(string(copyright), "C++ library"))
			assert.Contains(t, string(copyright), "Redistributions in binary form must reproduce", "the licence of what is linked in")
			left, err := filepath.Glob(filepath.Join(filepath.Dir(dir), ".*"))
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
}

// Debian's names of packages have no underscore, and the folder is part of one.
func TestAnUnderscoreIsKeptOutOfThePackagesNames(t *testing.T) {
	o := options(t, "c")
	o.Name = "avir_my_engine"
	dir, err := Write(context.Background(), o)
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(dir, "packaging", "my-engine", "plugin.yml"))
	require.NoError(t, err)
	assert.Contains(t, string(text), "library: avir_my_engine.so\n")
	text, err = os.ReadFile(filepath.Join(dir, "my_engine.h"))
	require.NoError(t, err)
	assert.Contains(t, string(text), `AVPLUGIN_SHORTCUT "avir_my_engine"`)
}

func TestNothingIsWrittenForWhatCanNotBe(t *testing.T) {
	full := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(full, "mine"), nil, 0o600))
	for name, c := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"a name with a slash":         {func(o *Options) { o.Name = "../x" }, "small letters"},
		"no name":                     {func(o *Options) { o.Name = "" }, "small letters"},
		"a name of the project's":     {func(o *Options) { o.Name = "csample" }, "take another name"},
		"such a name in full":         {func(o *Options) { o.Name = "avir_clam" }, "take another name"},
		"a checkout that can't build": {func(o *Options) { o.Root += "/a b" }, "move the checkout"},
		"an unknown language":         {func(o *Options) { o.Language = "rust" }, "take go, c or c++"},
		"a folder that holds files":   {func(o *Options) { o.Dir = full }, "no empty folder"},
		"a file in the way":           {func(o *Options) { o.Dir = filepath.Join(full, "mine") }, "no empty folder"},
		"go that can't tidy":          {func(o *Options) { o.GoEnv = []string{"GOPROXY=off", "GOMODCACHE=" + full + "/none", "GOFLAGS="} }, "go mod tidy"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, "go")
			c.change(&o)
			_, err := Write(context.Background(), o)
			require.ErrorContains(t, err, c.want)
			entries, err := os.ReadDir(filepath.Dir(o.Dir))
			require.NoError(t, err)
			for _, e := range entries {
				assert.False(t, strings.HasPrefix(e.Name(), ".avirkit"), e.Name())
			}
			assert.NoFileExists(t, filepath.Join(o.Dir, "main.go"))
		})
	}
}

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
				for _, left := range []string{"avir_sample", "avir_csample", "avSample", "NAME", "TODAY", "CHECKOUT"} {
					assert.NotContains(t, strings.ReplaceAll(string(text), "avir_NAME.so", ""), left, path)
				}
				named = named || strings.Contains(string(text), `"avir_mine"`)
				return nil
			}))
			assert.True(t, named, "a source says avir_mine")
			assert.FileExists(t, filepath.Join(dir, "packaging", "mine", "plugin.yml"))
			left, err := filepath.Glob(filepath.Join(filepath.Dir(dir), ".*"))
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
}

func TestNothingIsWrittenForWhatCanNotBe(t *testing.T) {
	full := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(full, "mine"), nil, 0o600))
	for name, c := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"a name with a slash":       {func(o *Options) { o.Name = "../x" }, "small letters"},
		"no name":                   {func(o *Options) { o.Name = "" }, "small letters"},
		"an unknown language":       {func(o *Options) { o.Language = "rust" }, "take go, c or c++"},
		"a folder that holds files": {func(o *Options) { o.Dir = full }, "no empty folder"},
		"a file in the way":         {func(o *Options) { o.Dir = filepath.Join(full, "mine") }, "no empty folder"},
		"go that can't tidy":        {func(o *Options) { o.GoEnv = []string{"GOPROXY=off", "GOMODCACHE=" + full + "/none", "GOFLAGS="} }, "go mod tidy"},
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

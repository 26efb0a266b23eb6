package release

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/run"
)

// published publishes the release with its own script into a folder, and
// returns that.
func published(t *testing.T) string {
	t.Helper()
	r := released(t)
	dir := t.TempDir()
	publish := exec.Command("sh", filepath.Join(filepath.Dir(r.options.Out), PublishName))
	publish.Env = append(os.Environ(), "TARGET="+dir)
	out, err := publish.CombinedOutput()
	require.NoErrorf(t, err, "%s", out)
	return dir
}

// tree returns the contents of all files below dir.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		all[strings.TrimPrefix(path, dir)] = string(data)
		return err
	}))
	return all
}

func TestTheScriptPublishesTheReleaseAndTheRepositories(t *testing.T) {
	r := released(t)
	dir := published(t)
	releases := filepath.Join(dir, "releases")
	assert.Equal(t, tree(t, r.options.Out), tree(t, filepath.Join(releases, r.options.Packages.Version.String())))

	// Once more, over what was published before and is in the way now.
	require.NoError(t, os.RemoveAll(filepath.Join(releases, r.options.Packages.Version.String())))
	require.NoError(t, os.Mkdir(filepath.Join(releases, "0.0.1"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "apt", "old"), nil, 0o644))
	for name := range tree(t, filepath.Join(r.options.Repo.Out, "yum", "repodata")) {
		// As long and as old as the new one.
		path := filepath.Join(dir, "yum", "repodata", name)
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("x", int(info.Size()))), 0o644))
		require.NoError(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
	}
	publish := exec.Command("sh", filepath.Join(filepath.Dir(r.options.Out), PublishName))
	publish.Env = append(os.Environ(), "TARGET="+dir)
	out, err := publish.CombinedOutput()
	require.NoErrorf(t, err, "%s", out)
	assert.DirExists(t, filepath.Join(releases, "0.0.1"), "earlier releases stay")
	require.NoError(t, os.RemoveAll(releases))
	assert.Equal(t, tree(t, r.options.Repo.Out), tree(t, dir))

	publish = exec.Command("sh", filepath.Join(filepath.Dir(r.options.Out), PublishName))
	publish.Env = append(os.Environ(), "TARGET=")
	out, err = publish.CombinedOutput()
	assert.Error(t, err)
	assert.Contains(t, string(out), "set TARGET")
}

func TestAPathIsOneWordOfTheShell(t *testing.T) {
	for _, path := range []string{"/a b", "/it's $HOME", "/`id`\"\\"} {
		out, err := exec.Command("sh", "-c", "printf %s "+run.Quote(path)).Output()
		require.NoError(t, err)
		assert.Equal(t, path, string(out))
	}
}

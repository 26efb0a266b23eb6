package repo

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A web server, and apt's own user, must be able to read all of it.
func TestEverybodyMayReadTheRepositoriesWhateverTheUmaskIs(t *testing.T) {
	defer unix.Umask(unix.Umask(0o077))
	s := key(t)
	o := Options{Packages: build(t, "1.0.0", s), Out: filepath.Join(t.TempDir(), "repo"), URL: "https://example.org/a", Epoch: epoch, Signer: s}
	require.NoError(t, Build(t.Context(), o))
	files := 0
	require.NoError(t, filepath.WalkDir(o.Out, func(path string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		want := os.FileMode(0o644)
		if d.IsDir() {
			want = 0o755
		} else {
			files++
		}
		assert.Equal(t, want, info.Mode().Perm(), path)
		return nil
	}))
	assert.Greater(t, files, 30)
}

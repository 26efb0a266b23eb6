package targets

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build"
)

func TestCleanWaitsForABuildAndLeavesNothing(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, clean(context.Background(), root))
	for _, dir := range []string{"dist/linux-386", ".cache/zig"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	unlock, err := build.Lock(context.Background(), root)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()

	require.ErrorIs(t, clean(ctx, root), context.Canceled)
	assert.DirExists(t, filepath.Join(root, "dist", "linux-386"))
	unlock()

	require.NoError(t, clean(context.Background(), root))
	left, err := os.ReadDir(root)
	require.NoError(t, err)
	assert.Empty(t, left)
}

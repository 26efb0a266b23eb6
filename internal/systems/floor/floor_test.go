package floor

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/asroot"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/systems/session"
)

func TestTheFloorHidesNewerSystemCalls(t *testing.T) {
	for _, p := range platform.All {
		short := test{platform: p, clamd: "127.0.0.1:99"}
		args := short.args("/t", "avir_clam")
		assert.Subset(t, args, []string{"all", "/t/avir_clam.so", "--kernel-floor", p.KernelFloor, "--quick", "Port=99"})
		long := test{platform: p, clamd: "127.0.0.1:99", Options: Options{Full: true}}
		args = long.args("/t", "avir_sample")
		assert.NotContains(t, args, "--quick")
		assert.NotContains(t, args, "Port=99")
	}
}

func TestATreeThatRunsNothingIsNamed(t *testing.T) {
	asroot.Need(t, "only root changes to another system's root")
	s, err := session.Begin(t.Context(), session.Options{Cache: t.TempDir()})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.End()) }()
	tree := t.TempDir()
	p := platform.All[0]
	require.NoError(t, os.MkdirAll(filepath.Join(tree, filepath.Dir(p.Loader)), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(tree, p.Loader), nil, 0o755))
	t.Setenv(RootVariable, tree)

	_, err = oldest(t.Context(), t.TempDir(), p, s)

	require.ErrorContains(t, err, tree+" can't be used as "+RootVariable)
	left, err := os.ReadDir(tree)
	require.NoError(t, err)
	assert.Len(t, left, 1, "the user's tree is as it was")
}

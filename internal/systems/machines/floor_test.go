package machines

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOnlyWhatKilledRunsLeftIsSweptUp(t *testing.T) {
	dir := t.TempDir()
	running := filepath.Join(dir, fmt.Sprintf("avirkit-floor-%d", os.Getpid()))
	left := filepath.Join(dir, fmt.Sprintf("avirkit-floor-%d", math.MaxInt32))
	require.NoError(t, os.Mkdir(running, 0o755))
	require.NoError(t, os.Mkdir(left, 0o755))
	sweepFloor(dir)
	assert.DirExists(t, running)
	assert.NoDirExists(t, left)
}

func TestASystemThatAllowsNoNamespacesIsNamed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gets so far")
	}
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "lib"), 0o755))
	fakeProgram(t, "unshare", "echo 'unshare failed: Operation not permitted' >&2; exit 1")
	t.Setenv(FloorRootVariable, dir)
	_, err := floorSystem(t.Context(), t.TempDir())
	assert.ErrorContains(t, err, "lets root make no namespaces, which AVIR_FLOOR_ROOT needs: take a privileged container, or unset it")
}

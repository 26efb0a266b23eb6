package hostile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSocketIsMadeUnderALongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 200))
	require.NoError(t, os.Mkdir(dir, 0o755))
	path := filepath.Join(dir, "a.socket")
	require.NoError(t, makeSocket(path))
	info, err := os.Lstat(path)
	require.NoError(t, err)
	assert.Equal(t, os.ModeSocket, info.Mode().Type())
}

func TestNoExecIsKnownByItsMount(t *testing.T) {
	assert.False(t, noExec("/bin"), "this system runs programs from there")
	assert.False(t, noExec("/nonexisting"))
	mounts, err := os.ReadFile("/proc/self/mounts")
	require.NoError(t, err)
	for _, line := range strings.Split(string(mounts), "\n") {
		fields := strings.Fields(line)
		if len(fields) > 3 && fields[1] == "/proc" && strings.Contains(fields[3], "noexec") {
			assert.True(t, noExec("/proc"))
		}
	}
}

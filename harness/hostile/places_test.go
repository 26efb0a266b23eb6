package hostile

import (
	"os"
	"os/exec"
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
	if dir := os.Getenv("NOEXEC_MOUNT"); dir != "" { // the test itself, in the namespace below
		assert.True(t, noExec(dir))
		return
	}
	if os.Getuid() != 0 {
		t.Skip("SKIPPED, the positive half was not tested: only root can mount")
	}
	dir := t.TempDir()
	const mountAndTest = `mount -t tmpfs -o noexec none "$NOEXEC_MOUNT" && exec "$0" -test.run=^TestNoExecIsKnownByItsMount$ -test.v`
	cmd := exec.Command("unshare", "--mount", "sh", "-c", mountAndTest, os.Args[0])
	cmd.Env = append(os.Environ(), "NOEXEC_MOUNT="+dir)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS: TestNoExecIsKnownByItsMount")
}

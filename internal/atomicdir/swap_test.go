package atomicdir

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// trees makes two directories with a file each, and returns the file of one.
func trees(t *testing.T, dir string) (tmp, path string) {
	t.Helper()
	tmp, path = filepath.Join(dir, ".tmp"), filepath.Join(dir, "out")
	for dir, text := range map[string]string{tmp: "new", path: "old"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "sub"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "sub", "file"), []byte(text), 0o755))
		require.NoError(t, os.Symlink("sub/file", filepath.Join(dir, "link")))
	}
	return tmp, path
}

func content(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "link"))
	require.NoError(t, err)
	info, err := os.Stat(filepath.Join(dir, "link"))
	require.NoError(t, err)
	assert.NotZero(t, info.Mode()&0o100, "still a program")
	return string(data)
}

func swapAndBack(t *testing.T, tmp, path string) {
	t.Helper()
	undo, err := Swap(tmp, path)
	require.NoError(t, err)
	assert.Equal(t, []string{"new", "old"}, []string{content(t, path), content(t, tmp)})
	require.NoError(t, undo())
	assert.Equal(t, []string{"old", "new"}, []string{content(t, path), content(t, tmp)})
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, entries, 2, "nothing is left beside them")
}

// failing lets exchange fail with a code, and rename too for one path.
func failing(t *testing.T, code error, path string) {
	t.Helper()
	oldExchange, oldRename := exchange, rename
	t.Cleanup(func() { exchange, rename = oldExchange, oldRename })
	exchange = func(string, string) error { return code }
	rename = func(from, to string) error {
		if from == path {
			return &os.LinkError{Op: "rename", Old: from, New: to, Err: code}
		}
		return oldRename(from, to)
	}
}

func TestDirectoriesAreSwappedWhereNamesCantBeExchanged(t *testing.T) {
	for _, code := range []error{unix.EXDEV, unix.EINVAL, unix.ENOSYS, unix.EPERM, unix.EOPNOTSUPP} {
		t.Run(code.Error(), func(t *testing.T) {
			failing(t, code, "")
			tmp, path := trees(t, t.TempDir())
			swapAndBack(t, tmp, path)
		})
	}
	t.Run("and a directory can't even be renamed", func(t *testing.T) {
		tmp, path := trees(t, t.TempDir())
		failing(t, unix.EXDEV, path)
		swapAndBack(t, tmp, path)
	})
}

func TestAFailedSwapByRenamesLeavesBothAsTheyWere(t *testing.T) {
	for step := range 3 {
		t.Run(strconv.Itoa(step), func(t *testing.T) {
			tmp, path := trees(t, t.TempDir())
			failing(t, unix.EINVAL, "")
			works, renames := rename, 0
			rename = func(from, to string) error {
				if renames++; renames == step+1 {
					return unix.EIO
				}
				return works(from, to)
			}

			_, err := Swap(tmp, path)

			require.ErrorIs(t, err, unix.EIO)
			assert.Equal(t, []string{"old", "new"}, []string{content(t, path), content(t, tmp)})
		})
	}
}

func TestOtherFailuresAreNotWorkedAround(t *testing.T) {
	tmp, path := trees(t, t.TempDir())
	failing(t, unix.EACCES, "")

	_, err := Swap(tmp, path)

	require.ErrorIs(t, err, unix.EACCES)
	assert.Equal(t, "old", content(t, path))
}

// TestADirectoryOfALowerLayerIsSwapped runs itself again where the mount of an
// overlay is nobody else's.
func TestADirectoryOfALowerLayerIsSwapped(t *testing.T) {
	if merged := os.Getenv("TEST_OVERLAY"); merged != "" {
		tmp := filepath.Join(merged, ".tmp")
		lower := filepath.Join(merged, "out")
		require.NoError(t, os.CopyFS(tmp, os.DirFS(lower)))
		require.NoError(t, os.WriteFile(filepath.Join(tmp, "sub", "file"), []byte("new"), 0o755))
		if errors.Is(os.Rename(lower, lower+"-x"), unix.EXDEV) {
			t.Log("the overlay does not rename directories of lower layers")
		} else {
			require.NoError(t, os.Rename(lower+"-x", lower))
		}
		swapAndBack(t, tmp, lower)
		return
	}
	const mount = `for d in upper work merged; do mkdir "$0/$d"; done
mount -t tmpfs tmpfs "$0/upper" && mkdir "$0/upper/u" "$0/upper/w" &&
mount -t overlay overlay -o "lowerdir=$0/lower,upperdir=$0/upper/u,workdir=$0/upper/w" "$0/merged" || exit
echo mounted
TEST_OVERLAY=$0/merged exec "$1" -test.v -test.run "^$2\$"`
	dir := t.TempDir()
	tmp, _ := trees(t, filepath.Join(dir, "lower"))
	require.NoError(t, os.RemoveAll(tmp))
	self, err := os.Executable()
	require.NoError(t, err)
	out, err := exec.Command("unshare", "-m", "sh", "-c", mount, dir, self, t.Name()).CombinedOutput()
	if !strings.Contains(string(out), "mounted\n") {
		t.Logf("no overlay here, so the injected errors alone must do: %v %s", err, out)
		return
	}
	require.NoError(t, err, "%s", out)
	t.Logf("%s", out)
}

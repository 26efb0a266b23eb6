package atomicdir_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/avirkit/avirkit/internal/atomicdir"
)

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	list := []string{}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// fillWith returns a fill that writes one file.
func fillWith(name string) func(string) error {
	return func(tmp string) error { return atomicdir.WriteFile(filepath.Join(tmp, name), []byte(name), 0o644) }
}

func TestAFolderIsReplacedAsAWhole(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "out")
	require.NoError(t, atomicdir.Replace(dir, fillWith("first")))
	require.NoError(t, atomicdir.Replace(dir, fillWith("second")))
	assert.Equal(t, []string{"second"}, names(t, dir))
	assert.Equal(t, []string{"out"}, names(t, filepath.Dir(dir)), "nothing is left beside it")
}

func TestAFailureLeavesTheEarlierFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	require.NoError(t, atomicdir.Replace(dir, fillWith("first")))
	failure := errors.New("no more")
	err := atomicdir.Replace(dir, func(tmp string) error {
		return errors.Join(fillWith("second")(tmp), failure)
	})
	require.ErrorIs(t, err, failure)
	assert.Equal(t, []string{"first"}, names(t, dir))
	assert.Equal(t, []string{"out"}, names(t, filepath.Dir(dir)))
}

func TestWhatAKilledProcessLeftGoesAndWhatALivingOneFillsStays(t *testing.T) {
	if os.Getenv("AVIR_TEST_FILL") != "" { // the process that is killed
		_ = atomicdir.Replace(os.Getenv("AVIR_TEST_FILL"), func(tmp string) error {
			fmt.Println("filling")
			select {}
		})
	}
	dir := filepath.Join(t.TempDir(), "out")
	require.NoError(t, os.Mkdir(filepath.Join(filepath.Dir(dir), ".out-of-somebody-else"), 0o755))
	other := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	other.Env = append(os.Environ(), "AVIR_TEST_FILL="+dir)
	out, err := other.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, other.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "filling\n", line)

	require.NoError(t, atomicdir.Replace(dir, fillWith("first")))
	assert.Len(t, names(t, filepath.Dir(dir)), 3, "the other process still fills its own")

	require.NoError(t, other.Process.Kill())
	_ = other.Wait()
	require.NoError(t, atomicdir.Replace(dir, fillWith("second")))
	assert.Equal(t, []string{".out-of-somebody-else", "out"}, names(t, filepath.Dir(dir)))
}

func TestTheModesDontDependOnTheUmask(t *testing.T) {
	old := unix.Umask(0o077)
	defer unix.Umask(old)
	dir := filepath.Join(t.TempDir(), "out")
	require.NoError(t, atomicdir.Replace(dir, func(tmp string) error {
		return errors.Join(fillWith("file")(tmp), os.Mkdir(filepath.Join(tmp, "sub"), 0o755),
			os.WriteFile(filepath.Join(tmp, "sub", "made-by-a-tool"), nil, 0o600),
			os.WriteFile(filepath.Join(tmp, "program"), nil, 0o700), os.Symlink("nowhere", filepath.Join(tmp, "link")))
	}))
	for path, want := range map[string]os.FileMode{
		dir: 0o755, filepath.Join(dir, "file"): 0o644, filepath.Join(dir, "sub"): 0o755, filepath.Join(dir, "sub", "made-by-a-tool"): 0o644,
		filepath.Join(dir, "program"): 0o755,
	} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, want, info.Mode().Perm(), path)
	}
}

func TestAFullDiskIsOneClearErrorAndLeavesNothing(t *testing.T) {
	// A file of the greatest size that this process may write acts as a full
	// disk: write(2) fails in the same way, with another error number.
	dir := t.TempDir()
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_FSIZE, &limit))
	small := limit
	small.Cur = 1000
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &small))
	err := atomicdir.WriteFile(filepath.Join(dir, "big"), make([]byte, 2000), 0o644)
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &limit))
	require.ErrorIs(t, err, unix.EFBIG)
	assert.ErrorContains(t, err, "write "+filepath.Join(dir, "big"))
	assert.Empty(t, names(t, dir))
}

package report

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReportReplacesNothingButAFile(t *testing.T) {
	dir := t.TempDir()
	file, link, dangling := filepath.Join(dir, "r.json"), filepath.Join(dir, "link"), filepath.Join(dir, "dangling")
	require.NoError(t, os.Symlink("r.json", link))
	require.NoError(t, os.Symlink("later.json", dangling))
	for _, path := range []string{link, link, dangling} { // the file is made, then replaced
		require.NoError(t, WriteFile(path, []byte("a report\n")))
		info, err := os.Lstat(path)
		require.NoError(t, err)
		assert.Equal(t, os.ModeSymlink, info.Mode().Type(), "the link stays")
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, "a report\n", string(data))
	}
	assert.FileExists(t, file)
	assert.FileExists(t, filepath.Join(dir, "later.json"))

	f, err := os.OpenFile(file, os.O_RDWR|os.O_APPEND, 0)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, WriteFile("/proc/self/fd/"+strconv.Itoa(int(f.Fd())), []byte("behind it\n")))
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "a report\nbehind it\n", string(data), "as for /dev/stdout")

	fifo := filepath.Join(dir, "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	reader, err := os.OpenFile(fifo, os.O_RDWR, 0) // opens at once
	require.NoError(t, err)
	defer reader.Close()
	require.NoError(t, WriteFile(fifo, []byte("a report\n")))
	got := make([]byte, 9)
	_, err = reader.Read(got)
	require.NoError(t, err)
	assert.Equal(t, "a report\n", string(got))
	info, err := os.Lstat(fifo)
	require.NoError(t, err)
	assert.Equal(t, os.ModeNamedPipe, info.Mode().Type(), "the pipe stays")
}

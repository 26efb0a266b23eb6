package main

import (
	"debug/elf"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/harness/host"
)

func TestAvserverSaysWhatAFileIsThatItCannotLoad(t *testing.T) {
	onEachPlatform(t, func(t *testing.T, b *bench) {
		dir := t.TempDir()
		file := func(name string, content []byte) string {
			path := filepath.Join(dir, name)
			require.NoError(t, os.WriteFile(path, content, 0o600))
			return path
		}
		other := host.Platforms[0]
		if b.platform == other {
			other = host.Platforms[1]
		}
		plugin, err := os.ReadFile(b.bad(t, "NONE"))
		require.NoError(t, err)
		fifo := filepath.Join(dir, "fifo")
		require.NoError(t, syscall.Mkfifo(fifo, 0o600))

		own := ", and this host is for " + b.platform.Words
		for path, says := range map[string]string{
			benchFor(t, other).bad(t, "NONE"):                 "it is for " + other.Words + own,
			file("aarch64", header(elf.EM_AARCH64)):           "it is for 64-bit AArch64" + own,
			file("s390", header(elf.EM_S390)):                 "it is for 64-bit machine 22" + own,
			file("cut", plugin[:len(plugin)/3]):               "it is cut off: it has ",
			file("text", []byte("this is no library at all")): "dlopen: ",
			dir:  "it is no regular file",
			fifo: "it is no regular file",
		} {
			_, errors, status := output(t, b.dir, "", filepath.Join(b.dir, "avserver"), "--plugin", path, "--info")
			assert.Equal(t, 1, status, path)
			assert.Contains(t, errors, "avserver: load "+path+": "+says)
		}
	})
}

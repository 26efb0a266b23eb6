package clamd

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/fakeclamd"
	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

// large is a file with EICAR at its end that fills every buffer on its way.
func large() []byte { return append(bytes.Repeat([]byte("12345678"), 2<<20), testvirus.EICAR()...) }

// newUploadRig makes a rig for large files. Its upkeep has to look at the
// limits of a server that was lost.
func newUploadRig(t *testing.T) *rig {
	t.Helper()
	return newRigWith(t, overTCP, func(c *Client) { c.MaxFileSize = int64(len(large())) })
}

func resetWithReply(t *testing.T) {
	r := newUploadRig(t)
	r.spoilt(fakeclamd.Fault{Name: "reset-with-reply", Times: 1}, large(), api.Impossible)
	r.isVirus()
}

func resetWithout(t *testing.T) { newUploadRig(t).repeated("reset", large()) }

func stopReading(t *testing.T) {
	r := newUploadRig(t)
	r.repeated("stop-reading", large())
	r.fake.Hangup()
}

func sizeLimit(t *testing.T) {
	for _, content := range [][]byte{harmless, large()} {
		r := newUploadRig(t)
		for _, verdict := range []api.Verdict{api.Impossible, api.Failed, api.VirusFound} {
			r.c.OnLimit = verdict
			r.spoilt(fakeclamd.Fault{Name: "size-limit"}, content, verdict)
		}
	}
}

func changingFile(t *testing.T) {
	// As a stream: what was announced by stat is not what is there.
	r := newRig(t, overTCP)
	for _, at := range []int{10, chunk, chunk + 10, 3 * chunk} {
		path := write(t, "sample", make([]byte, at))
		for _, off := range []int64{-1, 1, -10, chunk} {
			fd, state, err := openFile(path)
			size := state.size
			require.NoError(t, err)
			s := r.c.NewScanner()
			deadline := time.Now().Add(enough)
			_, _, err = s.repeat(stopper{context.Background(), &r.c.closed}, fd, size+off, deadline)
			closeFile(fd)
			assert.ErrorIs(t, err, errChanged, "%d bytes instead of %d", size, size+off)
			r.isVirus()
		}
	}
	// It changes while clamd has it: in size, or in what it says.
	long := time.Now().Add(-time.Hour)
	overwrite := func(path string) error { return os.WriteFile(path, bytes.ToUpper(harmless), 0o644) }
	for _, via := range []func(*fakeclamd.Server) string{overTCP, overUnix} {
		for _, change := range []func(path string) error{
			func(path string) error { return os.Truncate(path, 0) },
			func(path string) error { return os.Truncate(path, 5) },
			func(path string) error { return os.Truncate(path, 1000) },
			overwrite,
		} {
			result := scanWhileItIs(t, via, change, long)
			assert.Equal(t, api.Failed, result.Verdict)
			assert.Contains(t, result.Text, "changed")
		}
		// Its name and its mode are not what was scanned.
		assert.Equal(t, api.OK, scanWhileItIs(t, via, func(path string) error { return os.Chmod(path, 0o600) }, long).Verdict)
	}
}

// scanWhileItIs changes a clean file, last written at the given time, while
// clamd has it.
func scanWhileItIs(t *testing.T, via func(*fakeclamd.Server) string, change func(path string) error, written time.Time) api.Result {
	t.Helper()
	r := newRig(t, via)
	r.c.times.silence = enough
	path := write(t, "sample", harmless)
	require.NoError(t, os.Chtimes(path, written, written))
	before := r.fake.Scans()
	r.fake.Set(fakeclamd.Fault{Name: "hold", Times: 1})
	pending := background(r.c, path)
	eventually(t, "clamd has the file", func() bool { return r.fake.Scans() > before })
	require.NoError(t, change(path))
	r.fake.Set(fakeclamd.Fault{})
	return await(t, pending)
}

func tooLarge(t *testing.T) {
	r := newRig(t, overTCP)
	before := r.fake.Scans()
	for _, size := range []int64{r.c.MaxFileSize + 1, 4 << 30, 4<<30 + 1, 1 << 40} {
		path := write(t, "sparse", nil)
		require.NoError(t, os.Truncate(path, size))
		result := timedScan(t, r.c, path, enough)
		assert.Equal(t, api.Impossible, result.Verdict, result.Text)
		assert.Contains(t, result.Text, "MaxFileSize")
	}
	assert.Equal(t, before, r.fake.Scans(), "nothing was sent")
}

func notAFile(t *testing.T) {
	r := newRig(t, overUnix)
	before := r.fake.Scans()
	dir := t.TempDir()
	fifo, loop := filepath.Join(dir, "fifo"), filepath.Join(dir, "loop")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	require.NoError(t, os.Symlink(loop, loop))
	for _, path := range []string{
		dir, fifo, loop, r.fake.Socket, "/dev/zero", "", "a\x00b",
		filepath.Join(dir, "missing"), fifo + "/below",
		"/proc/self/mem",    // a regular file that can't be read
		"/proc/self/status", // one that is not as empty as it says
	} {
		result := timedScan(t, r.c, path, enough)
		assert.Equal(t, api.Failed, result.Verdict, "%q: %s", path, result.Text)
	}
	assert.Equal(t, before, r.fake.Scans(), "nothing was sent")
}

func closed(t *testing.T) {
	r := newRig(t, overTCP)
	r.c.times.silence, r.c.ScanTimeout = time.Hour, time.Hour
	before := r.fake.Scans()
	r.fake.Set(fakeclamd.Fault{Name: "no-reply"})
	path := write(t, "sample", harmless)
	pending := background(r.c, path)
	eventually(t, "clamd has the file", func() bool { return r.fake.Scans() > before })
	r.c.Close()
	result := await(t, pending)
	assert.Equal(t, api.Failed, result.Verdict)
	assert.Contains(t, result.Text, "closing")
	assert.Equal(t, api.Failed, scan(r.c, path).Verdict, "a scan after the end")
	eventually(t, "no connection is left", func() bool { return r.fake.Open() == 0 })

	// The end of a scan's own context does the same.
	r = newRig(t, overTCP)
	r.c.times.silence, r.c.ScanTimeout = time.Hour, time.Hour
	r.fake.Set(fakeclamd.Fault{Name: "no-reply"})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan api.Result, 1)
	before = r.fake.Scans()
	go func() { done <- r.c.NewScanner().Scan(ctx, api.File{Path: path}) }()
	eventually(t, "clamd has the file", func() bool { return r.fake.Scans() > before })
	cancel()
	assert.Equal(t, api.Failed, await(t, done).Verdict)
}

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
	"github.com/avirkit/avirkit/plugins/clam/wire"
)

// large is a file with EICAR at its end that fills every buffer on its way.
func large() []byte { return append(bytes.Repeat([]byte("12345678"), 2<<20), testvirus.EICAR()...) }

func resetWithReply(t *testing.T) {
	r := newRig(t, overTCP)
	r.spoilt(fakeclamd.Fault{Name: "reset-with-reply", Times: 1}, large(), api.Impossible)
	r.isVirus()
}

func resetWithout(t *testing.T) { newRig(t, overTCP).repeated("reset", large()) }

func stopReading(t *testing.T) {
	r := newRig(t, overTCP)
	r.repeated("stop-reading", large())
	r.fake.Hangup()
}

func sizeLimit(t *testing.T) {
	for _, content := range [][]byte{harmless, large()} {
		r := newRig(t, overTCP)
		for _, verdict := range []api.Verdict{api.Impossible, api.Failed, api.VirusFound} {
			r.c.OnLimit = verdict
			r.spoilt(fakeclamd.Fault{Name: "size-limit"}, content, verdict)
		}
	}
}

func changingFile(t *testing.T) {
	// As a stream: what was announced by stat is not what is there.
	r := newRig(t, overTCP)
	const chunk = 128 << 10
	for _, at := range []int{10, chunk, chunk + 10, 3 * chunk, 2<<20 + 10} {
		path := write(t, "sample", make([]byte, at))
		for _, off := range []int64{-1, 1, -10, chunk} {
			if int64(at)+off <= 0 {
				continue
			}
			fd, state, err := openFile(path)
			require.NoError(t, err)
			state.size += off
			s := r.c.NewScanner()
			j := job{Client: r.c, buf: s.buf, ctx: context.Background(), fd: fd, state: state, wait: wire.Wait{
				Ctx: context.Background(), Deadline: time.Now().Add(enough), Silence: quick.silence, Ping: quick.ping,
			}}
			_, _, err = j.run()
			closeFile(fd)
			assert.ErrorIs(t, err, wire.ErrChanged, "%d bytes instead of %d", at, state.size)
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
		// The mode is not what was scanned, but can't be told from a rewrite
		// with the time put back: the file is scanned once more.
		assert.Equal(t, api.OK, scanWhileItIs(t, via, func(path string) error { return os.Chmod(path, 0o600) }, long).Verdict)
	}
}

// scanWhileItIs changes a clean file, last written at the given time, while
// clamd has it.
func scanWhileItIs(t *testing.T, via func(*fakeclamd.Server) string, change func(path string) error, written time.Time) api.Result {
	t.Helper()
	r := newRigWith(t, via, func(c *Client) { c.times.silence = enough })
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
	r := newRigWith(t, overTCP, func(c *Client) { c.MaxFileSize = 1 << 20 })
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
	slow := func(c *Client) { c.times.silence, c.ScanTimeout = time.Hour, time.Hour }
	r := newRigWith(t, overTCP, slow)
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
	r = newRigWith(t, overTCP, slow)
	r.fake.Set(fakeclamd.Fault{Name: "no-reply"})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan api.Result, 1)
	before = r.fake.Scans()
	go func() {
		scanner := r.c.NewScanner()
		done <- scanner.Scan(ctx, api.File{Path: path})
	}()
	eventually(t, "clamd has the file", func() bool { return r.fake.Scans() > before })
	cancel()
	assert.Equal(t, api.Failed, await(t, done).Verdict)
}

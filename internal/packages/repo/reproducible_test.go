package repo

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/avirkit/avirkit/internal/asroot"
	"github.com/avirkit/avirkit/internal/packages"
)

// elsewhere calls f with another locale and time zone, on a thread that has a
// host name and a umask of its own, and that ends with f.
func elsewhere(t *testing.T, f func() error) error {
	t.Helper()
	t.Setenv("LC_ALL", "C.UTF-8") // the one that every Debian has beside C
	t.Setenv("TZ", "ELSE+13")
	defer func(before *time.Location) { time.Local = before }(time.Local) // Go reads TZ once
	time.Local = time.FixedZone("ELSE", -13*60*60)
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread is not to be used again
		err := unix.Unshare(unix.CLONE_NEWUTS | unix.CLONE_FS)
		if err == nil {
			err = unix.Sethostname([]byte("elsewhere.example.org"))
		}
		if err == nil {
			unix.Umask(0o077)
			err = f()
		}
		done <- err
	}()
	return <-done
}

func TestTheSamePackagesAndRepositoriesAreMadeElsewhere(t *testing.T) {
	asroot.Need(t, "only root gives a thread another host name")
	t.Setenv("LC_ALL", "C")
	s := key(t)
	make := func(dist, to string) error {
		p := packages.Options{
			Data: filepath.Join(dist, "packaging"), Dist: dist, Out: filepath.Join(to, "packages"), Version: version(t, "1.0.0"), Epoch: epoch, Signer: s, Keyring: s.Ring,
		}
		if err := packages.Build(t.Context(), p); err != nil {
			return err
		}
		return Build(t.Context(), Options{Packages: p.Out, Out: filepath.Join(to, "repo"), URL: "https://example.org/a", Epoch: epoch, Signer: s})
	}
	same := func(a, b string) {
		t.Helper()
		out, err := exec.Command("diff", "--recursive", "--brief", a, b).CombinedOutput()
		assert.NoError(t, err, string(out))
	}
	copies, here, there := filepath.Join(t.TempDir(), "dist"), t.TempDir(), t.TempDir()
	require.NoError(t, os.CopyFS(copies, os.DirFS(dist)))
	require.NoError(t, filepath.WalkDir(copies, func(path string, _ os.DirEntry, err error) error {
		require.NoError(t, err)
		return os.Chtimes(path, time.Unix(1_000_000_000, 0), time.Unix(1_000_000_000, 0))
	}))
	require.NoError(t, make(dist, here))
	require.NoError(t, elsewhere(t, func() error { return make(copies, there) }))
	same(here, there)

	// Built over what is published already, too.
	o := Options{Packages: filepath.Join(there, "packages"), Out: filepath.Join(there, "repo"), URL: "https://example.org/a", Epoch: epoch, Signer: s}
	o.Published = o.Out
	require.NoError(t, Build(t.Context(), o))
	same(here, there)
}

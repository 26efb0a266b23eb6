package install

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/packages/repo"
	"github.com/avirkit/avirkit/internal/run"
)

// reproducible builds the packages and the repositories again: at another
// time, from copies with other times, on a host of another name, with another
// umask, locale and time zone.
func (k *kit) reproducible(ctx context.Context) error {
	again := filepath.Join(k.dir, "again")
	o := k.packageOptions(k.current, filepath.Join(again, "packaging"))
	o.Dist, o.Out = filepath.Join(again, "dist"), filepath.Join(again, "packages")
	r := repo.Options{Packages: o.Out, Out: filepath.Join(again, "repo"), URL: k.url + "/good", Epoch: k.epoch, Signer: k.signer}
	for to, from := range map[string]string{o.Data: k.dataDir(), o.Dist: k.current.dist} {
		if err := copyWithTime(to, from, time.Unix(1_000_000_000, 0)); err != nil {
			return err
		}
	}
	err := elsewhere(func() error {
		if err := packages.Build(ctx, o); err != nil {
			return err
		}
		return repo.Build(ctx, r)
	})
	if err != nil {
		return err
	}
	if err := same(ctx, k.current.dir, o.Out); err != nil {
		return err
	}
	// Built over what is there already, it must be the same, too.
	first := filepath.Join(again, "repo-first")
	if err := os.CopyFS(first, os.DirFS(r.Out)); err != nil {
		return fmt.Errorf("copy the repositories: %w", err)
	}
	r.Published = r.Out
	if err := repo.Build(ctx, r); err != nil {
		return err
	}
	return same(ctx, first, r.Out)
}

// elsewhere runs f with another locale and time zone, on a thread that has a
// host name and a umask of its own, and that ends with f.
func elsewhere(f func() error) error {
	locale := "C.UTF-8" // the one that every Debian has beside C
	if os.Getenv("LC_ALL") == locale {
		locale = "C"
	}
	// Go reads TZ once.
	defer func(before *time.Location) { time.Local = before }(time.Local)
	time.Local = time.FixedZone("ELSE", -13*60*60)
	defer run.Setenv(map[string]string{"LC_ALL": locale, "TZ": "ELSE+13"})()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread is not to be used again
		if err := unix.Unshare(unix.CLONE_NEWUTS | unix.CLONE_FS); err != nil {
			done <- fmt.Errorf("make a host name of our own: %w", err)
			return
		}
		if err := unix.Sethostname([]byte("elsewhere.example.org")); err != nil {
			done <- fmt.Errorf("change the host name: %w", err)
			return
		}
		unix.Umask(0o077)
		done <- f()
	}()
	return <-done
}

func copyWithTime(to, from string, at time.Time) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	return filepath.WalkDir(to, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chtimes(path, at, at)
	})
}

// same compares two folders, file by file.
func same(ctx context.Context, a, b string) error {
	if files, err := os.ReadDir(a); err != nil || len(files) == 0 {
		return fmt.Errorf("there is nothing to compare in %s: %w", a, err)
	}
	_, err := run.Command{Name: "diff", Args: []string{"--recursive", "--brief", a, b}}.Run(ctx)
	return err
}

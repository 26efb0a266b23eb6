package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/avirkit/avirkit/internal/run"
)

// LockName is the file in the project's cache that Lock locks.
const LockName = "lock"

// Lock keeps builds of one checkout, and who removes what they made, from each
// other until unlock is called.
func Lock(ctx context.Context, root string) (unlock func(), err error) {
	cache := filepath.Join(root, ".cache")
	for {
		if err := os.MkdirAll(cache, 0o755); err != nil {
			return nil, err
		}
		f, err := os.OpenFile(filepath.Join(cache, LockName), os.O_CREATE|os.O_RDWR, 0o644)
		if errors.Is(err, os.ErrNotExist) {
			continue // somebody removes the cache at this moment
		}
		if err != nil {
			return nil, err
		}
		if err := take(ctx, f); err != nil {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		if !inPlace(f) { // who had it removed the cache
			f.Close()
			continue
		}
		// What a killed build left behind is of no use to anyone.
		for _, pattern := range []string{"zig-npm-*", "glibc-stubs-*.tmp"} {
			for _, dir := range matching(cache, pattern) {
				os.RemoveAll(dir)
			}
		}
		return func() { f.Close() }, nil
	}
}

// take locks a file, and says so when it has to wait.
func take(ctx context.Context, f *os.File) error {
	flock := func(how int) error { return syscall.Flock(int(f.Fd()), how) }
	err := flock(syscall.LOCK_EX | syscall.LOCK_NB)
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return err
	}
	run.Printf("waiting for another build of this checkout")
	locked := make(chan error, 1)
	go func() { locked <- flock(syscall.LOCK_EX) }()
	select {
	case err = <-locked:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// inPlace says whether the file is still the one of its name.
func inPlace(f *os.File) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(f.Name())
	return err == nil && os.SameFile(open, named)
}

package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// LockFile locks a file, which it makes if need be, for what others must wait
// for.
func LockFile(ctx context.Context, path, what string) (unlock func(), err error) {
	for {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
		if errors.Is(err, os.ErrNotExist) {
			continue // somebody removes the cache at this moment
		}
		if err != nil {
			return nil, err
		}
		if err := take(ctx, f, what); err != nil {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		if inPlace(f) {
			return func() { f.Close() }, nil
		}
		f.Close() // who held the lock has removed the cache
	}
}

// lockPause is how long a process that waits sleeps between two tries.
const lockPause = 100 * time.Millisecond

// take locks a file, and says so when it has to wait. It tries again and again
// instead of waiting in the system call, which only a signal would end.
func take(ctx context.Context, f *os.File, what string) error {
	descriptor := int(f.Fd())
	for waited := false; ; waited = true {
		err := syscall.Flock(descriptor, syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return err
		}
		if !waited {
			Printf("waiting for %s", what)
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// inPlace says whether the open file is still what its name leads to.
func inPlace(f *os.File) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(f.Name())
	return err == nil && os.SameFile(open, named)
}

// Package atomicdir fills a directory beside its place and then swaps it in, so
// that a failure, a full disk or an interrupt leaves the earlier one whole.
package atomicdir

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Replace calls fill with a new empty directory beside dir and puts that in
// dir's place when fill succeeds, readable for everybody whatever the umask
// is. What was there before is deleted. The temporary directory never remains;
// that of a process that was killed goes with the next call.
func Replace(dir string, fill func(tmp string) error) error {
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("make the folder of %s: %w", dir, err)
	}
	sweep(dir)
	tmp, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+"-")
	if err != nil {
		return fmt.Errorf("make a folder beside %s: %w", dir, err)
	}
	defer os.RemoveAll(tmp)
	if held := lock(tmp); held != nil {
		defer held.Close()
	}
	if err := fill(tmp); err != nil {
		return err
	}
	if err := Readable(tmp); err != nil {
		return fmt.Errorf("set the modes of %s: %w", dir, err)
	}
	_, err = Swap(tmp, dir)
	return err
}

// sweep removes the temporary directories of processes that were killed. A
// process that lives holds a lock on its own one.
func sweep(dir string) {
	entries, _ := os.ReadDir(filepath.Dir(dir))
	for _, e := range entries {
		number, ok := strings.CutPrefix(e.Name(), "."+filepath.Base(dir)+"-")
		if _, err := strconv.ParseUint(number, 10, 32); !ok || err != nil || !e.IsDir() {
			continue
		}
		left := filepath.Join(filepath.Dir(dir), e.Name())
		if held := lock(left); held != nil {
			os.RemoveAll(left)
			held.Close()
		}
	}
}

// lock locks a directory until the file is closed; it returns nil if another
// process has, or if the file system has no locks.
func lock(dir string) *os.File {
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil
	}
	return f
}

// Readable lets everybody read a tree, and run what its owner may run,
// whatever the umask is.
func Readable(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type() == fs.ModeSymlink {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if d.IsDir() || info.Mode()&0o100 != 0 {
			return os.Chmod(path, 0o755)
		}
		return os.Chmod(path, 0o644)
	})
}

// WriteFile writes a file beside its place, with exactly this mode whatever
// the umask is, and renames it.
func WriteFile(path string, data []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make the folder of %s: %w", path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return fmt.Errorf("make a file beside %s: %w", path, err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// CopyFile copies a file to another place as WriteFile does.
func CopyFile(to, from string, mode os.FileMode) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("copy a file to %s: %w", to, err)
	}
	return WriteFile(to, data, mode)
}

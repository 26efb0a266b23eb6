// Package atomicdir fills a directory beside its place and then swaps it in, so
// that a failure, a full disk or an interrupt leaves the earlier one whole.
package atomicdir

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Replace calls fill with a new empty directory beside dir and puts that in
// dir's place when fill succeeds, readable for everybody whatever the umask
// is. What was there before is deleted. The temporary directory never remains.
func Replace(dir string, fill func(tmp string) error) error {
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("make the folder of %s: %w", dir, err)
	}
	tmp, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+"-")
	if err != nil {
		return fmt.Errorf("make a folder beside %s: %w", dir, err)
	}
	defer os.RemoveAll(tmp)
	if err := fill(tmp); err != nil {
		return err
	}
	if err := Readable(tmp); err != nil {
		return fmt.Errorf("set the modes of %s: %w", dir, err)
	}
	_, err = Swap(tmp, dir)
	return err
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

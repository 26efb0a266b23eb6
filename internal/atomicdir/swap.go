package atomicdir

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// rename and exchange are variables for the tests, in which they fail as they
// do on some file systems.
var (
	rename   = os.Rename
	exchange = func(a, b string) error {
		return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
	}
)

// Swap exchanges tmp and path, which are files or directories, in one step where
// the file system can. If nothing is at path, tmp is moved there. undo swaps
// back.
func Swap(tmp, path string) (undo func() error, err error) {
	// Both names exist at every moment.
	err = exchange(tmp, path)
	undo = func() error {
		_, err := Swap(tmp, path)
		return err
	}
	switch {
	case err == nil:
	case errors.Is(err, unix.ENOENT):
		err = rename(tmp, path)
		undo = func() error { return rename(path, tmp) }
	case cantExchange(err):
		err = swapByRenames(tmp, path)
	}
	if err != nil {
		return nil, fmt.Errorf("put the new %s in place: %w", path, err)
	}
	return undo, nil
}

// cantExchange says whether it is the file system that does not exchange two
// names: network and shared ones don't, nor do overlays with a directory of a
// lower layer.
func cantExchange(err error) bool {
	codes := []error{unix.EXDEV, unix.EINVAL, unix.ENOSYS, unix.EPERM, unix.EOPNOTSUPP}
	return slices.ContainsFunc(codes, func(code error) bool { return errors.Is(err, code) })
}

// swapByRenames leaves path missing for a moment. When it fails, both are as
// they were.
func swapByRenames(tmp, path string) error {
	earlier := tmp + ".earlier"
	if err := moveAside(path, earlier); err != nil {
		return err
	}
	if err := rename(tmp, path); err != nil {
		return errors.Join(err, rename(earlier, path))
	}
	if err := rename(earlier, tmp); err != nil {
		return errors.Join(err, rename(path, tmp), rename(earlier, path))
	}
	return nil
}

// moveAside copies and removes a directory of an overlay's lower layer, which
// can't be renamed.
func moveAside(path, to string) error {
	err := rename(path, to)
	if !errors.Is(err, unix.EXDEV) {
		return err
	}
	if err := os.CopyFS(to, os.DirFS(path)); err != nil {
		return errors.Join(err, os.RemoveAll(to))
	}
	return os.RemoveAll(path)
}

package status

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// File is a status file with what it says.
type File struct {
	Status
	Written time.Time

	// Abandoned says that the plugin has ended without removing the file, as when
	// its server was killed. An old file alone says nothing: the plugin writes it
	// only when something happens.
	Abandoned bool
}

// mostBytes bounds a status file: with a hundred servers it has 50 KB.
const mostBytes = 1 << 20

// Read reads a status file.
func Read(path string) (File, error) {
	for {
		f, replaced, err := readOnce(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return f, fmt.Errorf("there is no status file %s: is the antivirus on, and is this what its option StatusFile says in the console", path)
		case errors.Is(err, syscall.ELOOP):
			return f, fmt.Errorf("%s is a link, and links are not followed: name the file itself with --file", path)
		case errors.Is(err, fs.ErrPermission):
			return f, fmt.Errorf("%w: run this as root", err)
		case err != nil:
			return f, fmt.Errorf("%s: %w: name the file of the option StatusFile with --file", path, err)
		case !replaced:
			return f, nil
		}
	}
}

// readOnce also tells whether the file has been replaced meanwhile. The plugin
// has a lock on the file until the next one is in its place.
func readOnce(path string) (f File, replaced bool, err error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0) // a FIFO must not make us wait, nor a link show us a file of another's
	if err != nil {
		return f, false, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return f, false, err
	case !info.Mode().IsRegular():
		return f, false, errors.New("it is not a regular file")
	case info.Size() > mostBytes:
		return f, false, fmt.Errorf("it is larger than %d bytes, and no status file is", mostBytes)
	}
	text, err := io.ReadAll(io.LimitReader(file, mostBytes))
	if err != nil {
		return f, false, err
	}
	f.Written = info.ModTime()
	if f.Abandoned = syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil; f.Abandoned {
		now, err := os.Stat(path)
		if err != nil {
			return f, false, err // the plugin has removed it
		}
		replaced = !os.SameFile(info, now)
	}
	f.Status, err = Parse(text)
	return f, replaced, err
}

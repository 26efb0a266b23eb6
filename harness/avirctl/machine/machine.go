// Package machine looks at the files, users and processes of a Linux system.
// All paths lead through a root, which is a folder in tests.
package machine

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Machine is a system to look at.
type Machine struct {
	Root string           // "" for the system itself
	Now  func() time.Time // the system's clock

	// Room returns how many bytes an ordinary user can still write below path.
	Room func(path string) (uint64, error)
}

// New returns the system below root; "" or "/" is the one that this program
// runs on.
func New(root string) *Machine {
	if root == "/" {
		root = ""
	}
	m := &Machine{Root: root, Now: time.Now}
	m.Room = func(path string) (uint64, error) {
		var s syscall.Statfs_t
		if err := syscall.Statfs(m.Path(path), &s); err != nil {
			return 0, fmt.Errorf("look for room in %s: %w", path, err)
		}
		return s.Bavail * uint64(s.Bsize), nil
	}
	return m
}

// Path returns where a path of the system really is.
func (m *Machine) Path(path string) string {
	if m.Root == "" {
		return path
	}
	return filepath.Join(m.Root, path)
}

// mostRead bounds what is read of one file: the maps of a large process have
// some hundred KB.
const mostRead = 16 << 20

// ReadFile reads a regular file, of a larger one the end: a log has there what
// was said last. A FIFO in its place must not make us wait.
func (m *Machine) ReadFile(path string) ([]byte, error) {
	f, err := os.OpenFile(m.Path(path), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	if over := info.Size() - mostRead; over > 0 {
		if _, err := f.Seek(over, io.SeekStart); err != nil {
			return nil, err
		}
	}
	return io.ReadAll(io.LimitReader(f, mostRead))
}

// Exists tells whether something is at path.
func (m *Machine) Exists(path string) bool {
	_, err := os.Stat(m.Path(path))
	return err == nil
}

// File is what a file system tells of a file.
type File struct {
	os.FileInfo
	UID, GID int
	Inode    uint64
}

// Stat follows links.
func (m *Machine) Stat(path string) (File, error) {
	info, err := os.Stat(m.Path(path))
	if err != nil {
		return File{}, err
	}
	f := File{FileInfo: info}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		f.UID, f.GID, f.Inode = int(s.Uid), int(s.Gid), s.Ino
	}
	return f, nil
}

// Glob returns the paths of the system that match a pattern.
func (m *Machine) Glob(pattern string) []string {
	found, _ := filepath.Glob(m.Path(pattern)) // only a wrong pattern is an error
	for i, path := range found {
		if m.Root != "" {
			found[i] = path[len(filepath.Clean(m.Root)):]
		}
	}
	return found
}

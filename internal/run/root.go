package run

import (
	"errors"
	"os"
	"path/filepath"
)

// Root returns the checkout that holds the current folder.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if Exists(filepath.Join(dir, "magefile.go")) {
			return filepath.EvalSymlinks(dir)
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("not in a checkout of avirkit: no magefile.go here or above")
		}
		dir = filepath.Dir(dir)
	}
}

// Exists says whether something has this name, be it a link to nowhere.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

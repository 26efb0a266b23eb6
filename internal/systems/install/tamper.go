package install

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/avirkit/avirkit/internal/atomicdir"
)

// tamper copies the good repository: with an index that was changed after it
// was signed, with lists of packages and with packages that were changed
// after the index was made; and as apt before 1.0 reads it, good and changed.
func (k *kit) tamper() error {
	for name, change := range map[string]func(dir string) error{
		"tampered-index": tamperIndexes,
		"tampered-lists": func(dir string) error {
			return flipAll(dir, "apt/dists/stable/main/*/Packages*", "yum/repodata/*-primary.xml.gz")
		},
		"tampered-package": func(dir string) error { return flipAll(dir, "apt/pool/main/*/*.deb", "yum/*/*.rpm") },
		"detached":         withoutInRelease,
		"detached-tampered": func(dir string) error {
			return errors.Join(tamperIndexes(dir), withoutInRelease(dir))
		},
	} {
		dir := filepath.Join(k.dir, name)
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(k.dir, "good"))); err != nil {
			return fmt.Errorf("copy the repository: %w", err)
		}
		if err := change(dir); err != nil {
			return fmt.Errorf("change the repository %s: %w", name, err)
		}
	}
	return nil
}

// tamperIndexes makes the signed files say something else.
func tamperIndexes(dir string) error {
	for file, change := range map[string][2]string{
		"apt/dists/stable/InRelease": {"Label: avirkit", "Label: avirkiT"},
		"apt/dists/stable/Release":   {"Label: avirkit", "Label: avirkiT"},
		"yum/repodata/repomd.xml":    {"<revision>", "<revision>1"},
	} {
		if err := edit(filepath.Join(dir, file), func(data []byte) ([]byte, error) {
			return bytes.Replace(data, []byte(change[0]), []byte(change[1]), 1), nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// withoutInRelease leaves the Release file with the signature beside it.
func withoutInRelease(dir string) error {
	return os.Remove(filepath.Join(dir, "apt/dists/stable/InRelease"))
}

// flipAll flips a bit of every file that matches, and one must for each.
func flipAll(dir string, patterns ...string) error {
	var files []string
	for _, pattern := range patterns {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(found) == 0 {
			return errors.Join(err, fmt.Errorf("no file matches %s", pattern))
		}
		files = append(files, found...)
	}
	for _, file := range files {
		if err := edit(file, flip); err != nil {
			return err
		}
	}
	return nil
}

func flip(data []byte) ([]byte, error) {
	data[len(data)*3/4] ^= 1
	return data, nil
}

// edit rewrites a file; a change that changes nothing is a mistake.
func edit(path string, change func([]byte) ([]byte, error)) error {
	before, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	after, err := change(bytes.Clone(before))
	if err != nil {
		return err
	}
	if bytes.Equal(before, after) {
		return fmt.Errorf("%s has not changed", path)
	}
	return atomicdir.WriteFile(path, after, 0o644)
}

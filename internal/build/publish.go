package build

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/versions"
)

// publish swaps what was staged for what dist has. When it fails, dist is as
// it was; when it is interrupted, the manifest does not fit the files, and the
// next build does all again.
func (b *builder) publish(m *Manifest) error {
	manifest, sums, err := m.encode()
	if err != nil {
		return err
	}
	// What may find the disk full comes first.
	for name, data := range map[string][]byte{ChecksumsName: sums, ManifestName: manifest} {
		if err := atomicdir.WriteFile(filepath.Join(b.stage, name), data, 0o644); err != nil {
			return err
		}
	}
	return b.swap(append(b.folders(), ChecksumsName, ManifestName)...)
}

// swap swaps all that is named, or nothing. What dist has of platforms that were
// not built goes.
func (b *builder) swap(names ...string) (err error) {
	var undo []func() error
	defer func() {
		for _, back := range slices.Backward(undo) {
			if err != nil {
				err = errors.Join(err, back())
			}
		}
	}()
	for _, name := range names {
		back, err := atomicdir.Swap(filepath.Join(b.stage, name), filepath.Join(b.Dist, name))
		if err != nil {
			return err
		}
		undo = append(undo, back)
	}
	for _, p := range platform.All {
		staged, published := filepath.Join(b.stage, p.Name), filepath.Join(b.Dist, p.Name)
		if slices.Contains(b.Platforms, p) {
			continue
		}
		switch err := os.Rename(published, staged); {
		case err == nil:
			undo = append(undo, func() error { return os.Rename(staged, published) })
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	return nil
}

// version is the content of the file VERSION, which newBuilder has checked: the
// project's, or that of a vendor's plugin.
func (b *builder) version() string {
	version, _ := readVersion(cmp.Or(b.Plugin, b.Root))
	return version
}

func readVersion(dir string) (string, error) {
	file := filepath.Join(dir, "VERSION")
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s is missing: write the version into it, such as 1.0.0", file)
	}
	version := strings.TrimSpace(string(data))
	if err == nil {
		_, _, err = versions.Parse(version)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return version, nil
}

package build

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/versions"
)

// sourceDirs hold all that the results depend on, this package included.
var sourceDirs = []string{"api", "plugins", "harness",
	"internal/build", "internal/versions"}

// inputs returns a digest of everything that the results depend on.
func (b *builder) inputs() (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q %q\n", b.tc.String(), versions.TargetGo, b.version(), b.tools(), b.targets())
	plugins, err := Plugins(b.Root)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(h, "%q\n", plugins)
	for _, dir := range sourceDirs {
		if err := b.hashTree(h, dir, nil); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// hashTree adds a folder of the checkout to a digest. It follows links as the
// compilers do; above are the folders that it came through.
func (b *builder) hashTree(h io.Writer, dir string, above []string) error {
	real, err := filepath.EvalSymlinks(filepath.Join(b.Root, dir))
	if err != nil || slices.Contains(above, real) {
		return err
	}
	entries, err := os.ReadDir(real)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		st, err := os.Stat(filepath.Join(b.Root, path))
		switch {
		case errors.Is(err, fs.ErrNotExist): // a link to nowhere
			fmt.Fprintf(h, "nothing %s\n", path)
		case err != nil:
			return err
		case st.IsDir():
			if err := b.hashTree(h, path, append(above, real)); err != nil {
				return err
			}
		case st.Mode().IsRegular() && !strings.HasSuffix(path, "_test.go") && !strings.HasSuffix(path, ".md"):
			f, err := describe(b.Root, filepath.Join(b.Root, path))
			if err != nil {
				return err
			}
			fmt.Fprintf(h, "%s %s\n", f.SHA256, f.Path)
		}
	}
	return nil
}

// upToDate returns the manifest of dist if it was made of these inputs.
func upToDate(dist, inputs string) *Manifest {
	m, err := ReadManifest(dist)
	if err != nil || m.Inputs != inputs {
		return nil
	}
	if _, sums, err := m.encode(); err != nil || !same(filepath.Join(dist, ChecksumsName), sums) {
		return nil
	}
	return m
}

func same(path string, want []byte) bool {
	got, err := os.ReadFile(path)
	return err == nil && slices.Equal(got, want)
}

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

// version is the project's version: the content of the file VERSION.
func (b *builder) version() string {
	data, err := os.ReadFile(filepath.Join(b.Root, "VERSION"))
	if err != nil {
		return "0.0.0-unknown"
	}
	return strings.TrimSpace(string(data))
}

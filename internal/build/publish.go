package build

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/outdir"
	"github.com/avirkit/avirkit/internal/versions"
)

// sourceDirs hold all that the results depend on, this package included.
var sourceDirs = []string{"api", "plugins", "harness",
	"internal/audit", "internal/build", "internal/toolchain", "internal/glibc", "internal/lldmend", "internal/versions"}

// inputs returns a digest of everything that the results depend on.
func (b *builder) inputs() (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q\n", b.tc.String(), versions.TargetGo, b.version())
	for _, dir := range sourceDirs {
		err := filepath.WalkDir(filepath.Join(b.Root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, ".md") {
				return err
			}
			f, err := describe(b.Root, path)
			fmt.Fprintf(h, "%s %s\n", f.SHA256, f.Path)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
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
func (b *builder) publish(m *Manifest) (err error) {
	manifest, sums, err := m.encode()
	if err != nil {
		return err
	}
	var undo []func() error
	defer func() {
		for _, back := range undo {
			if err != nil {
				err = errors.Join(err, back())
			}
		}
	}()
	for _, dir := range []string{DirDebug, Dir386, DirAMD64} {
		back, err := outdir.Swap(filepath.Join(b.stage, dir), filepath.Join(b.Dist, dir))
		if err != nil {
			return err
		}
		undo = append(undo, back)
	}
	if err := outdir.WriteFile(filepath.Join(b.Dist, ChecksumsName), sums, 0o644); err != nil {
		return err
	}
	return outdir.WriteFile(filepath.Join(b.Dist, ManifestName), manifest, 0o644)
}

// version is the project's version: the content of the file VERSION.
func (b *builder) version() string {
	data, err := os.ReadFile(filepath.Join(b.Root, "VERSION"))
	if err != nil {
		return "0.0.0-unknown"
	}
	return strings.TrimSpace(string(data))
}

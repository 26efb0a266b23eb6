package build

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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
	"internal/build", "internal/toolchain", "internal/glibc", "internal/lldmend", "internal/versions"}

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

// publish moves what was staged into dist. The old manifest goes first and
// the new one comes last: a dist with a manifest is whole.
func (b *builder) publish(m *Manifest) error {
	if err := os.MkdirAll(b.Dist, 0o755); err != nil {
		return err
	}
	var old Manifest
	if data, err := os.ReadFile(filepath.Join(b.Dist, ManifestName)); err == nil {
		// One that can't be read lists nothing to remove.
		_ = json.Unmarshal(data, &old)
	}
	for _, name := range []string{ManifestName, ChecksumsName} {
		if err := os.RemoveAll(filepath.Join(b.Dist, name)); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(filepath.Join(b.Dist, DirDebug)); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(b.stage, DirDebug), filepath.Join(b.Dist, DirDebug)); err != nil {
		return err
	}
	for _, f := range m.Files {
		from, to := filepath.Join(b.stage, f.Path), filepath.Join(b.Dist, f.Path)
		if strings.HasPrefix(f.Path, DirDebug+"/") {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.Rename(from, to); err != nil {
			return err
		}
	}
	for _, f := range old.Files {
		if !slices.ContainsFunc(m.Files, func(n File) bool { return n.Path == f.Path }) {
			_ = os.Remove(filepath.Join(b.Dist, filepath.FromSlash(f.Path)))
		}
	}
	manifest, sums, err := m.encode()
	if err != nil {
		return err
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

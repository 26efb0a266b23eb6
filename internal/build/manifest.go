package build

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/versions"
)

// Names of the files that describe the rest of dist.
const (
	ManifestName  = "manifest.json"
	ChecksumsName = "SHA256SUMS"
)

// Manifest tells what dist holds and how it was made. It has no times and no
// paths of this machine, so that two builds of one commit have the same.
type Manifest struct {
	Version     string    `json:"version"`
	Toolchain   string    `json:"toolchain"`
	Compiler    string    `json:"compiler_version"`
	Go          string    `json:"go"`
	GlibcFloor  string    `json:"glibc_floor"`
	KernelFloor string    `json:"kernel_floor"`
	GoFlags     []string  `json:"go_flags"`
	LinkFlags   []string  `json:"link_flags"`
	Inputs      string    `json:"inputs_sha256"` // of the sources, the toolchain and the versions
	Libraries   []Library `json:"libraries"`
	Files       []File    `json:"files"`
}

// File is one file of dist; links are not listed.
type File struct {
	Path   string `json:"path"` // in dist, with slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// manifest describes what the stage folder holds.
func (b *builder) manifest(libraries []*Library) (*Manifest, error) {
	m := &Manifest{
		Version:     b.version(),
		Toolchain:   b.tc.Name,
		Compiler:    b.tc.Version,
		Go:          versions.TargetGo,
		GlibcFloor:  versions.GlibcFloor,
		KernelFloor: versions.KernelFloor,
		GoFlags:     goFlags(),
	}
	for _, f := range b.tc.LinkFlags {
		m.LinkFlags = append(m.LinkFlags, strings.ReplaceAll(f, b.Root, "."))
	}
	for _, l := range libraries {
		m.Libraries = append(m.Libraries, *l)
	}
	for _, dir := range []string{DirDebug, Dir386, DirAMD64} {
		err := filepath.WalkDir(filepath.Join(b.stage, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			f, err := describe(b.stage, path)
			m.Files = append(m.Files, f)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return m, nil
}

func describe(base, path string) (File, error) {
	rel, err := filepath.Rel(base, path)
	if err != nil {
		return File{}, err
	}
	sum, size, err := digest(path)
	return File{Path: filepath.ToSlash(rel), Size: size, SHA256: sum}, err
}

func digest(path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	if size, err = io.Copy(h, f); err != nil {
		return "", 0, err
	}
	return hex.EncodeToString(h.Sum(nil)), size, nil
}

// encode returns the manifest and the checksums as files of dist.
func (m *Manifest) encode() (manifest, checksums []byte, err error) {
	manifest, err = json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, nil, err
	}
	manifest = append(manifest, '\n')
	var b strings.Builder
	for _, f := range m.Files {
		fmt.Fprintf(&b, "%s  %s\n", f.SHA256, f.Path)
	}
	fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(manifest), ManifestName)
	return manifest, []byte(b.String()), nil
}

// ReadManifest returns the manifest of dist if it is there and whole: every
// file that it lists is as it was built.
func ReadManifest(dist string) (*Manifest, error) {
	data, err := os.ReadFile(filepath.Join(dist, ManifestName))
	if err != nil {
		return nil, err
	}
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dist, ManifestName), err)
	}
	for _, f := range m.Files {
		if sum, _, err := digest(filepath.Join(dist, filepath.FromSlash(f.Path))); err != nil {
			return nil, err
		} else if sum != f.SHA256 {
			return nil, fmt.Errorf("%s is not as it was built", filepath.Join(dist, f.Path))
		}
	}
	return &m, nil
}

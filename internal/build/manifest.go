package build

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/build/platform"
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
	Tools       []string  `json:"tools"` // versions of programs that can change while the compiler stays
	Platforms   []Target  `json:"platforms"`
	Inputs      string    `json:"inputs_sha256"` // of the sources, the toolchain and the versions
	Libraries   []Library `json:"libraries"`
	Files       []File    `json:"files"`

	// Links are the symbolic links of dist and what they point to.
	Links map[string]string `json:"links"`
}

// Target tells how a platform's files were made.
type Target struct {
	Name  string `json:"name"`
	Flags Flags  `json:"flags"`
}

// Flags are all that the compilers and linkers were told, the checkout's own
// folder as ".".
type Flags struct {
	Go     []string `json:"go"`       // go build
	GoLink []string `json:"go_link"`  // Go's linker, for plugins
	Cgo    []string `json:"cgo"`      // C code of plugins
	Link   []string `json:"link"`     // the toolchain's linker, for plugins
	Host   []string `json:"avserver"` // C host, followed by HostLink
	// HostLink ends every link of C code alone.
	HostLink []string `json:"avserver_link"`
}

// File is one regular file of dist.
type File struct {
	Path   string `json:"path"` // in dist, with slashes
	Size   int64  `json:"size"`
	Mode   string `json:"mode"` // octal permissions
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
		Tools:       b.tools(),
		Platforms:   b.targets(),
	}
	for _, l := range libraries {
		m.Libraries = append(m.Libraries, *l)
	}
	var err error
	m.Files, m.Links, err = describeAll(b.stage, b.folders())
	return m, err
}

func (b *builder) tools() []string { return append(slices.Clone(b.tc.Tools), b.objcopy) }

func (b *builder) targets() (all []Target) {
	for _, p := range b.Platforms {
		all = append(all, Target{p.Name, b.target(p).flags()})
	}
	return all
}

func (t *target) flags() Flags {
	f := Flags{
		Go: goFlags(), GoLink: t.goLinkFlags(), Cgo: cgoFlags(), Link: t.linkFlags(t.exportScript()),
		Host: hostFlags(), HostLink: slices.Clone(t.compiler.LinkFlags),
	}
	for _, list := range [][]string{f.Link, f.HostLink} {
		for i := range list {
			list[i] = strings.ReplaceAll(list[i], t.Root, ".")
		}
	}
	return f
}

// BuiltFor are the platforms that the manifest is of.
func (m *Manifest) BuiltFor() []*platform.Platform {
	return slices.DeleteFunc(slices.Clone(platform.All), func(p *platform.Platform) bool {
		return !slices.ContainsFunc(m.Platforms, func(t Target) bool { return t.Name == p.Name })
	})
}

// describeAll describes what the folders of a build hold.
func describeAll(base string, folders []string) (files []File, links map[string]string, err error) {
	links = map[string]string{}
	for _, dir := range folders {
		err := filepath.WalkDir(filepath.Join(base, dir), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil || d.IsDir():
				return err
			case d.Type() == fs.ModeSymlink:
				rel, err := filepath.Rel(base, path)
				if err != nil {
					return err
				}
				links[filepath.ToSlash(rel)], err = os.Readlink(path)
				return err
			}
			f, err := describe(base, path)
			files = append(files, f)
			return err
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return files, links, nil
}

func describe(base, path string) (File, error) {
	rel, err := filepath.Rel(base, path)
	if err != nil {
		return File{}, err
	}
	f, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return File{}, err
	}
	h := sha256.New()
	size, err := io.Copy(h, f)
	return File{
		Path: filepath.ToSlash(rel), Size: size,
		Mode: fmt.Sprintf("%04o", st.Mode().Perm()), SHA256: hex.EncodeToString(h.Sum(nil)),
	}, err
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

// ReadManifest returns the manifest of dist if it is there and whole: the
// folders of the build hold what it lists, as it was built, and nothing else.
func ReadManifest(dist string) (*Manifest, error) {
	data, err := os.ReadFile(filepath.Join(dist, ManifestName))
	if err != nil {
		return nil, err
	}
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dist, ManifestName), err)
	}
	folders := []string{DirDebug}
	for _, t := range m.Platforms {
		folders = append(folders, t.Name)
	}
	files, links, err := describeAll(dist, folders)
	if err != nil {
		return nil, err
	}
	if path := difference(states(m.Files, m.Links), states(files, links)); path != "" {
		return nil, fmt.Errorf("%s is not as it was built", filepath.Join(dist, path))
	}
	return &m, nil
}

// states tells by path what a file or link is like.
func states(files []File, links map[string]string) map[string]string {
	all := map[string]string{}
	for _, f := range files {
		var mode fs.FileMode
		_, _ = fmt.Sscanf(f.Mode, "%o", &mode)
		// Who may write it makes no difference.
		all[f.Path] = fmt.Sprintf("%s %o", f.SHA256, mode&0o555)
	}
	for path, to := range links {
		all[path] = "link to " + to
	}
	return all
}

// difference is a path at which a and b are not the same, or empty.
func difference(a, b map[string]string) string {
	for _, pair := range [][2]map[string]string{{a, b}, {b, a}} {
		for _, path := range slices.Sorted(maps.Keys(pair[0])) {
			if pair[0][path] != pair[1][path] {
				return path
			}
		}
	}
	return ""
}

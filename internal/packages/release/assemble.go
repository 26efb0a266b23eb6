package release

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/packages/signing"
)

// assemble puts the files of the release into dir; rehearsal says why it is none.
func assemble(o Options, entry packages.ChangelogEntry, rehearsal []string, m *build.Manifest, dir string) error {
	put := func(name string, data []byte) error {
		return atomicdir.WriteFile(filepath.Join(dir, name), data, 0o644)
	}
	stem := "avirkit-" + o.Packages.Version.String()
	archives := map[string]string{
		stem + "-debug.tar.gz": filepath.Join(o.Packages.Dist, build.DirDebug),
		stem + "-repo.tar.gz":  o.Repo.Out,
	}
	for _, p := range platform.All {
		archives[stem+"-"+p.Name+".tar.gz"] = filepath.Join(o.Packages.Dist, p.Name)
	}
	for name, from := range archives {
		archive, err := pack(from, strings.TrimSuffix(name, ".tar.gz"), o.Packages.Epoch)
		if err != nil {
			return err
		}
		if err := put(name, archive); err != nil {
			return err
		}
	}
	if err := copyFiles(o.Packages.Out, dir); err != nil {
		return err
	}
	manifest, err := os.ReadFile(filepath.Join(o.Packages.Dist, build.ManifestName))
	if err != nil {
		return fmt.Errorf("read the build's manifest: %w", err)
	}
	if err := put(build.ManifestName, manifest); err != nil {
		return err
	}
	bom, err := billOfMaterials(o, m)
	if err != nil {
		return err
	}
	if err := put(stem+".cdx.json", bom); err != nil {
		return err
	}
	if err := put("RELEASE-NOTES.md", notes(o, entry, rehearsal, m)); err != nil {
		return err
	}
	return sign(o.Packages.Signer, dir)
}

// sign writes the checksums, and signs them if there is a key.
func sign(s signing.Signer, dir string) error {
	sums, err := checksums(dir)
	if err != nil {
		return err
	}
	if err := atomicdir.WriteFile(filepath.Join(dir, build.ChecksumsName), sums, 0o644); err != nil || s == nil {
		return err
	}
	signature, err := signing.DetachArmored(s, sums)
	if err != nil {
		return err
	}
	if err := atomicdir.WriteFile(filepath.Join(dir, build.ChecksumsName+".asc"), signature, 0o644); err != nil {
		return err
	}
	_, key, err := signing.PublicKey(s)
	if err != nil {
		return err
	}
	return atomicdir.WriteFile(filepath.Join(dir, "avirkit.asc"), key, 0o644)
}

// checksums returns the lines that "sha256sum -c" takes, by name.
func checksums(dir string) ([]byte, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list the release: %w", err)
	}
	var b bytes.Buffer
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			return nil, fmt.Errorf("read a file of the release: %w", err)
		}
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(data), f.Name())
	}
	return b.Bytes(), nil
}

func copyFiles(from, to string) error {
	files, err := os.ReadDir(from)
	if err != nil {
		return fmt.Errorf("list %s: %w", from, err)
	}
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(from, f.Name()))
		if err != nil {
			return fmt.Errorf("copy into the release: %w", err)
		}
		if err := atomicdir.WriteFile(filepath.Join(to, f.Name()), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// pack returns the folder as a compressed archive: in the order of names,
// root's, with one time.
func pack(dir, name string, at time.Time) ([]byte, error) {
	var paths []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		paths = append(paths, path)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("pack %s: %w", dir, err)
	}
	slices.Sort(paths)
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("pack %s: %w", dir, err)
	}
	archive := tar.NewWriter(z)
	for _, path := range paths {
		if err := packOne(archive, dir, path, name, at); err != nil {
			return nil, fmt.Errorf("pack %s: %w", path, err)
		}
	}
	if err := archive.Close(); err != nil {
		return nil, fmt.Errorf("pack %s: %w", dir, err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("pack %s: %w", dir, err)
	}
	return out.Bytes(), nil
}

func packOne(archive *tar.Writer, dir, path, name string, at time.Time) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	var target string
	if info.Mode()&fs.ModeSymlink != 0 {
		if target, err = os.Readlink(path); err != nil {
			return err
		}
	}
	h, err := tar.FileInfoHeader(info, target)
	if err != nil {
		return err
	}
	inside, err := filepath.Rel(dir, path)
	if err != nil {
		return err
	}
	mode := int64(0o644)
	if info.Mode()&0o100 != 0 || info.Mode()&fs.ModeSymlink != 0 {
		mode = 0o755
	}
	*h = tar.Header{
		Typeflag: h.Typeflag, Name: filepath.ToSlash(filepath.Join(name, inside)), Linkname: h.Linkname, Size: h.Size,
		Mode: mode, ModTime: at, Uname: "root", Gname: "root", Format: tar.FormatGNU,
	}
	if err := archive.WriteHeader(h); err != nil || !info.Mode().IsRegular() {
		return err
	}
	data, err := os.ReadFile(path)
	if err == nil {
		_, err = archive.Write(data)
	}
	return err
}

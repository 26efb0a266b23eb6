package release

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/packages/signing"
	"github.com/avirkit/avirkit/internal/run"
)

// parts are what the files of a release tell, beside the folders that are packed.
type parts struct {
	manifest  *build.Manifest
	entry     packages.ChangelogEntry
	rehearsal []string // why it is no release
	remarks   []string // what was not tested
	vex       []byte
}

// assemble puts the files of the release into dir.
func (f parts) assemble(ctx context.Context, o Options, dir string) error {
	stem := "avirkit-" + o.Packages.Version.String()
	all := archives(stem, o.Packages.Dist)
	all[stem+"-repo.tar.gz"] = o.Repo.Out
	jobs, packing := errgroup.WithContext(ctx)
	for name, from := range all {
		jobs.Go(func() error { return pack(packing, from, filepath.Join(dir, name), o.Packages.Epoch) })
	}
	if err := jobs.Wait(); err != nil {
		return err
	}
	if err := os.CopyFS(dir, os.DirFS(o.Packages.Out)); err != nil {
		return fmt.Errorf("copy the packages into the release: %w", err)
	}
	manifest, err := os.ReadFile(filepath.Join(o.Packages.Dist, build.ManifestName))
	if err != nil {
		return fmt.Errorf("read the build's manifest: %w", err)
	}
	bom, err := billOfMaterials(o, f.manifest)
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{
		build.ManifestName: manifest, stem + ".cdx.json": bom, stem + ".openvex.json": f.vex, "RELEASE-NOTES.md": f.notes(o),
	} {
		if err := atomicdir.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	return sign(o.Packages.Signer, dir)
}

// keyName is the file with the public keys.
const keyName = "avirkit.asc"

// sign writes the checksums and, if there is a key, their signature.
func sign(s *signing.Keys, dir string) error {
	if s != nil {
		_, key, err := s.Public()
		if err != nil {
			return err
		}
		if err := atomicdir.WriteFile(filepath.Join(dir, keyName), key, 0o644); err != nil {
			return err
		}
	}
	sums, err := checksums(dir)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, build.ChecksumsName)
	if err := atomicdir.WriteFile(file, sums, 0o644); err != nil {
		return err
	}
	return s.WriteDetached(file+".asc", sums)
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

// pack writes a folder as a compressed archive: in the order of names, root's,
// with one time and with the same modes for everybody.
func pack(ctx context.Context, dir, archive string, at time.Time) error {
	name := strings.TrimSuffix(filepath.Base(archive), ".tar.gz")
	_, err := run.Command{Name: "tar", Args: []string{
		"--create", "--file", archive, "--use-compress-program", "gzip -n", "--format", "gnu", "--sort", "name", "--mtime", fmt.Sprintf("@%d", at.Unix()),
		"--owner", "root:0", "--group", "root:0", "--mode", "u=rwX,go=rX",
		// Only the folder's own name changes, not what a link points to.
		"--transform", `flags=r;s#^\.#` + name + "#", "--directory", dir, ".",
	}, Env: []string{"LC_ALL=C"}}.Run(ctx)
	return err
}

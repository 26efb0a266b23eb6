package repo

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/run"
)

// changelogPath is what the Release file says of where "apt-get changelog"
// finds the changelog of a version that is not installed yet.
const changelogPath = "changelogs/@CHANGEPATH@_changelog"

// writeChangelogs puts the changelog of each Debian package where apt looks for
// it. Both architectures have the same.
func writeChangelogs(ctx context.Context, dir string, p *pool) error {
	written := map[string]bool{}
	for _, c := range channels {
		for _, place := range slices.Sorted(maps.Keys(p.files[debFormat.extension][c])) {
			name, version, err := debFormat.split(path.Base(place))
			if err != nil {
				return err
			}
			prefix := name[:1]
			if strings.HasPrefix(name, "lib") {
				prefix = name[:min(4, len(name))]
			}
			to := strings.Replace(changelogPath, "@CHANGEPATH@", path.Join("main", prefix, name, name+"_"+version), 1)
			if written[to] {
				continue
			}
			written[to] = true
			text, err := readChangelog(ctx, filepath.Join(dir, "pool/main", place), name)
			if err != nil {
				return err
			}
			if text == nil {
				continue // a package need not have one
			}
			if err := atomicdir.WriteFile(filepath.Join(dir, to), text, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// readChangelog returns the changelog in the package at path, or nil.
func readChangelog(ctx context.Context, path, name string) ([]byte, error) {
	content, err := run.Command{Name: "dpkg-deb", Args: []string{"--fsys-tarfile", path}}.Run(ctx)
	if err != nil {
		return nil, err
	}
	for files := tar.NewReader(strings.NewReader(content)); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err == nil && h.Name != "./usr/share/doc/"+name+"/changelog.gz" {
			continue
		}
		var z *gzip.Reader
		if err == nil {
			z, err = gzip.NewReader(files)
		}
		var text []byte
		if err == nil {
			text, err = io.ReadAll(io.LimitReader(z, 1<<20))
		}
		if err != nil {
			return nil, fmt.Errorf("read the changelog in %s: %w", path, err)
		}
		return text, nil
	}
}

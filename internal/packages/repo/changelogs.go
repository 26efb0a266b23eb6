package repo

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/blakesmith/ar"

	"github.com/avirkit/avirkit/internal/atomicdir"
)

// changelogPath is what the Release file says of where "apt-get changelog"
// finds the changelog of a version that is not installed yet.
const changelogPath = "changelogs/@CHANGEPATH@_changelog"

// writeChangelogs puts the changelog of each Debian package where apt looks for
// it. Both architectures have the same.
func writeChangelogs(dir string, p *pool) error {
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
			text, err := readChangelog(filepath.Join(dir, "pool/main", place), name)
			if err != nil {
				return err
			}
			if text == nil {
				continue
			}
			if err := atomicdir.WriteFile(filepath.Join(dir, to), text, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// readChangelog returns the changelog in the package at path, or nil.
func readChangelog(path, name string) ([]byte, error) {
	pkg, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read a changelog: %w", err)
	}
	defer pkg.Close()
	text, err := changelogIn(ar.NewReader(pkg), name)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the changelog in %s: %w", path, err)
	}
	return text, nil
}

// changelogIn returns io.EOF if there is none: a package need not have one.
func changelogIn(pkg *ar.Reader, name string) ([]byte, error) {
	for {
		if h, err := pkg.Next(); err != nil {
			return nil, err
		} else if h.Name == "data.tar.gz" {
			break
		}
	}
	z, err := gzip.NewReader(pkg)
	if err != nil {
		return nil, err
	}
	files := tar.NewReader(z)
	for {
		if h, err := files.Next(); err != nil {
			return nil, err
		} else if h.Name == "./usr/share/doc/"+name+"/changelog.gz" {
			break
		}
	}
	if z, err = gzip.NewReader(files); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(z, 1<<20))
}

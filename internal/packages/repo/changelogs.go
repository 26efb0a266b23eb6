package repo

import (
	"archive/tar"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/packages"
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

// readChangelog returns the changelog in the package at path, nil if it has none.
func readChangelog(path, name string) (text []byte, err error) {
	deb, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read a changelog: %w", err)
	}
	members, err := packages.Members(deb)
	for _, m := range members {
		if m.Name != "data.tar.gz" {
			continue
		}
		err = packages.EachFile(m.Data, func(h *tar.Header, content io.Reader) error {
			if h.Name != "./usr/share/doc/"+name+"/changelog.gz" {
				return nil
			}
			z, err := gzip.NewReader(content)
			if err == nil {
				text, err = io.ReadAll(io.LimitReader(z, 1<<20))
			}
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read the changelog in %s: %w", path, err)
	}
	return text, nil
}

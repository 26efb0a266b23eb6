package release

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/packages/repo"
)

// Each release has a signed archive of the repositories as they were then. The
// newest one tells what the indexes don't: which keys and changelogs belong
// there, and that the indexes are not those of an earlier day, whose signatures
// are as good.

// archived returns the files of the newest archives, without the packages. There
// may be more than one: a new index may have the time of the published one.
func archived(v *repo.Vouched, releases []string) (newest []map[string][]byte) {
	var latest time.Time
	for _, release := range releases {
		names, _ := fs.Glob(v.Dir.FS(), path.Join(release, "*-repo.tar.gz"))
		for _, name := range names {
			if v.Files[name] == "" {
				continue
			}
			files := map[string][]byte{}
			err := packages.EachFile(v.Read(name), func(h *tar.Header, content io.Reader) (err error) {
				_, inside, _ := strings.Cut(path.Clean(h.Name), "/")
				if ext := path.Ext(inside); h.Typeflag == tar.TypeReg && ext != ".deb" && ext != ".rpm" {
					files[inside], err = io.ReadAll(content)
				}
				return err
			})
			if err != nil {
				v.Wrong = append(v.Wrong, fmt.Errorf("%s: %w", name, err))
				continue
			}
			at := latest // of an archive without indexes, too
			for _, t := range repo.IndexTimes(func(name string) []byte { return files[name] }) {
				at = t // all have the same
			}
			switch {
			case at.After(latest):
				newest, latest = []map[string][]byte{files}, at
			case at.Equal(latest):
				newest = append(newest, files)
			}
		}
	}
	return newest
}

// compareArchive notes the files that no index names, if they are those of the
// archive, and what should be there or should be newer.
func compareArchive(v *repo.Vouched, files map[string][]byte) {
	there := map[string]bool{} // packages without their architecture
	for name := range v.Files {
		if i := strings.LastIndex(name, "_"); i > 0 && path.Ext(name) == ".deb" {
			there[path.Base(name[:i])] = true
		}
	}
	now := repo.IndexTimes(func(name string) []byte {
		if v.Files[name] == "" {
			return nil
		}
		return v.Read(name)
	})
	then := repo.IndexTimes(func(name string) []byte { return files[name] })
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if at, ok := now[name]; ok && at.Before(then[name]) {
			v.Wrong = append(v.Wrong, fmt.Errorf("%s/%s: it is of %s, older than that of the newest release: an earlier day's was put back", v.Dir.Name(), name, at.UTC()))
		}
		if v.Files[name] != "" {
			continue
		}
		of, changelog := strings.CutSuffix(path.Base(name), "_changelog")
		_, err := v.Dir.Lstat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if changelog && there[of] || path.Dir(name) == "." {
				v.Wrong = append(v.Wrong, fmt.Errorf("%s/%s: it is missing, and the newest release has it", v.Dir.Name(), name))
				v.Files[name] = "missing" // said once
			}
		default:
			// Another file than the archive's, or none, is named by sweep.
			if info, err := v.Dir.Lstat(name); err == nil && info.Mode().IsRegular() && bytes.Equal(v.Read(name), files[name]) {
				v.Files[name] = fmt.Sprintf("%x", sha256.Sum256(files[name]))
			}
		}
	}
}

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

// An archive holds the files of the repositories at a release, without the
// packages, and the times of the indexes among them.
type archive struct {
	files map[string][]byte
	times map[string]time.Time
}

// archived returns the newest archives. There may be more than one: a new index
// may have the time of the published one.
func archived(v *repo.Vouched, releases []string) (newest []archive) {
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
			a := archive{files, repo.IndexTimes(func(name string) []byte { return files[name] })}
			for _, t := range a.times {
				at = t // all have the same
			}
			switch {
			case at.After(latest):
				newest, latest = []archive{a}, at
			case at.Equal(latest):
				newest = append(newest, a)
			}
		}
	}
	return newest
}

// compare notes the files that no index names, if they are those of the archive,
// and what should be there or should be newer.
func (a archive) compare(v *repo.Vouched) {
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
	for _, name := range slices.Sorted(maps.Keys(a.files)) {
		if at, ok := now[name]; ok && at.Before(a.times[name]) {
			v.Fail(name, fmt.Errorf("it is of %s, older than that of the newest release: an earlier day's was put back", at.UTC()))
		}
		if v.Files[name] != "" {
			continue
		}
		of, changelog := strings.CutSuffix(path.Base(name), "_changelog")
		info, err := v.Dir.Lstat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if changelog && there[of] || path.Dir(name) == "." {
				v.Fail(name, errors.New("it is missing, and the newest release has it"))
				v.Files[name] = "missing" // said once
			}
		case err == nil && info.Mode().IsRegular() && bytes.Equal(v.Read(name), a.files[name]):
			v.Files[name] = fmt.Sprintf("%x", sha256.Sum256(a.files[name]))
		} // Another file than the archive's is named by sweep.
	}
}

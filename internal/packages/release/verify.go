package release

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/packages/repo"
	"github.com/avirkit/avirkit/internal/packages/signing"
	"github.com/avirkit/avirkit/internal/run"
)

// VerifyOptions says what to verify. Of a published folder, nothing is believed
// before a signature vouches for it.
type VerifyOptions struct {
	Root string // the checkout, whose version is built again
	Dir  string // the published folder, or a release's
	Key  string // file with the publisher's public keys, or fingerprints of them with commas between
}

var fingerprintForm = regexp.MustCompile(`^(0x)?[0-9A-Fa-f]{40}$`)

// Verify checks the signatures and checksums of all that is published, that
// nothing lies there which they don't vouch for, and that the sources of this
// checkout make the same libraries, programs and packages.
func Verify(ctx context.Context, o VerifyOptions) error {
	dir, err := os.OpenRoot(o.Dir)
	if err != nil {
		return fmt.Errorf("open what is published: %w", err)
	}
	defer dir.Close()
	releases := releasesIn(dir)
	trusted, err := o.keys(dir, releases)
	if err != nil {
		return err
	}
	v := &repo.Vouched{Dir: dir, Keys: trusted, Files: map[string]string{}}
	for _, release := range releases {
		checkSums(v, release)
	}
	then := archived(v, releases)
	if isDir(dir, "apt") || isDir(dir, "yum") || len(then) > 0 && releases[0] != "." {
		if err := v.Repositories(ctx); err != nil {
			return err
		}
		for _, a := range then {
			a.compare(v)
		}
	}
	if len(v.Files) == 0 && len(v.Wrong) == 0 {
		return fmt.Errorf("%s holds neither a release (%s) nor repositories (apt, yum)", o.Dir, build.ChecksumsName)
	}
	if err := sweep(v); err != nil {
		return err
	}
	who := strings.Join(trusted.Fingerprints(), " or ")
	if len(v.Wrong) > 0 {
		return fmt.Errorf("what is published is NOT what key %s has signed:\n%w", who, errors.Join(v.Wrong...))
	}
	run.Printf("  ok %d files are what key %s has signed, and there are no others", len(v.Files), who)
	if len(releases) == 0 {
		run.Printf("  !! %s holds repositories only: their packages were not built again", o.Dir)
		return nil
	}
	return rebuild(ctx, o, v, releases)
}

// isDir says whether there is a folder.
func isDir(dir *os.Root, name string) bool {
	info, err := dir.Lstat(name)
	return err == nil && info.IsDir()
}

// releasesIn returns the folders of releases: "." or "releases/VERSION".
func releasesIn(dir *os.Root) (list []string) {
	if _, err := dir.Lstat(build.ChecksumsName); err == nil {
		list = append(list, ".")
	}
	entries, _ := fs.ReadDir(dir.FS(), "releases") // a file in its place is named by sweep
	for _, e := range entries {
		if e.IsDir() {
			list = append(list, path.Join("releases", e.Name()))
		}
	}
	return list
}

// keys returns the publisher's keys that are trusted. A folder offers today's
// and those that have signed its older releases; who verifies says which of them
// are the publisher's.
func (o VerifyOptions) keys(dir *os.Root, releases []string) (*signing.Ring, error) {
	named := strings.Split(strings.ToUpper(o.Key), ",")
	for i := range named {
		named[i] = strings.TrimPrefix(strings.ReplaceAll(named[i], " ", ""), "0X")
	}
	if o.Key != "" && slices.ContainsFunc(named, func(f string) bool { return !fingerprintForm.MatchString(f) }) {
		return signing.ReadRing(o.Key)
	}
	v := &repo.Vouched{Dir: dir}
	var files [][]byte
	for _, folder := range slices.Compact(append([]string{"."}, releases...)) {
		name := path.Join(folder, keyName)
		if _, err := dir.Lstat(name); err == nil {
			files = append(files, v.Read(name))
		}
	}
	if len(v.Wrong) > 0 {
		return nil, errors.Join(v.Wrong...)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s holds no %s: name the file with the publisher's key, -key=FILE", o.Dir, keyName)
	}
	offered, err := signing.Offered(filepath.Join(o.Dir, keyName), files)
	if err != nil {
		return nil, err
	}
	if o.Key == "" {
		run.Printf("  !! the key comes from %s itself, and whoever can write there can change it: compare its fingerprint with what the publisher says elsewhere, or name it, -key=FINGERPRINT", o.Dir)
		return offered, nil
	}
	trusted := offered.Only(named)
	if len(trusted.Fingerprints()) == 0 {
		return nil, fmt.Errorf("%s does not hold key %s in a file %s, but %s", o.Dir, o.Key, keyName, strings.Join(offered.Fingerprints(), " and "))
	}
	return trusted, nil
}

// checkSums checks the signed checksums of a release and the files in them.
func checkSums(v *repo.Vouched, release string) {
	sums := v.Signed(path.Join(release, build.ChecksumsName), path.Join(release, build.ChecksumsName+".asc"))
	for line := range strings.Lines(string(sums)) {
		sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if !ok || path.Base(name) != name {
			v.Wrong = append(v.Wrong, fmt.Errorf("%s: it has the line %q, which is no checksum of a file beside it", repo.Printable(path.Join(release, build.ChecksumsName)), line))
			continue
		}
		v.Check(path.Join(release, name), sum)
		version, ok := strings.CutSuffix(name, "-"+platform.All[0].Name+".tar.gz")
		if ok && release != "." && version != "avirkit-"+path.Base(release) {
			v.Wrong = append(v.Wrong, fmt.Errorf("%s: it holds the release %s, whatever the folder's name says", repo.Printable(release), version))
		}
	}
}

// sweep names what lies there and is not vouched for.
func sweep(v *repo.Vouched) error {
	return fs.WalkDir(v.Dir.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || v.Files[name] != "" {
			return err
		}
		v.Fail(name, errors.New("nobody has signed it"))
		return nil
	})
}

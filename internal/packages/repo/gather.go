package repo

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/run"
)

// pool is what was gathered: how many packages of each format, the Debian
// versions of those that were there and of those that are new, and how many
// files of the new ones replace another build.
type pool struct {
	debs, rpms int
	kept, news []string
	replaced   int
}

// gather puts the published packages and then the new ones into tmp, a folder
// for each package.
func gather(o Options, tmp string) (p pool, err error) {
	if p.debs, err = gatherFormat(o, tmp, "apt/pool/main", ".deb", &p); err != nil {
		return p, err
	}
	if p.rpms, err = gatherFormat(o, tmp, "yum", ".rpm", &p); err != nil {
		return p, err
	}
	if p.debs == 0 || p.rpms == 0 {
		return p, fmt.Errorf("%s holds no packages: run go tool mage package", o.Packages)
	}
	p.kept = slices.DeleteFunc(p.kept, func(v string) bool { return slices.Contains(p.news, v) })
	return p, nil
}

func gatherFormat(o Options, tmp, sub, extension string, p *pool) (int, error) {
	seen := map[string]bool{}
	take := func(from string, versions *[]string) error {
		return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != extension {
				return err
			}
			seen[d.Name()] = true
			if parts := strings.Split(d.Name(), "_"); len(parts) == 3 && !slices.Contains(*versions, parts[1]) {
				*versions = append(*versions, parts[1])
			}
			replaced, err := o.add(path, filepath.Join(tmp, sub, packageName(d.Name()), d.Name()))
			if replaced {
				p.replaced++
			}
			return err
		})
	}
	if o.Published != "" {
		err := take(filepath.Join(o.Published, sub), &p.kept)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, fmt.Errorf("gather the published packages for %s: %w", sub, err)
		}
		if o.Named && len(seen) == 0 {
			return 0, fmt.Errorf("%s holds no packages in %s: set %s to the folder of what is published, apt and yum", o.Published, sub, PublishedVariable)
		}
	}
	if err := take(o.Packages, &p.news); err != nil {
		return 0, fmt.Errorf("gather the packages for %s: %w", sub, err)
	}
	return len(seen), nil
}

// add copies a package and tells whether it replaced another build. Clients
// know a version by its digest, so what is said to be published never changes;
// what lies in Out may never have been. createrepo_c writes the file's time
// into the index.
func (o Options) add(from, to string) (replaced bool, err error) {
	data, err := os.ReadFile(from)
	if err != nil {
		return false, err
	}
	if earlier, err := os.ReadFile(to); err == nil && !bytes.Equal(earlier, data) {
		if o.Named {
			return false, fmt.Errorf("%s holds another build of %s, which clients may have: raise VERSION", o.Published, filepath.Base(to))
		}
		replaced = true
	}
	if err := atomicdir.WriteFile(to, data, 0o644); err != nil {
		return replaced, err
	}
	return replaced, os.Chtimes(to, o.Epoch, o.Epoch)
}

// packageName returns the name in NAME_VERSION_ARCH.deb and in
// NAME-VERSION-RELEASE.ARCH.rpm.
func packageName(file string) string {
	if name, _, ok := strings.Cut(file, "_"); ok {
		return name
	}
	parts := strings.Split(file, "-")
	return strings.Join(parts[:max(1, len(parts)-2)], "-")
}

// tell prints what else the repositories offer.
func (p pool) tell() {
	if len(p.kept) > 0 {
		run.Printf("  ok kept of what was published: %s", strings.Join(p.kept, ", "))
	}
	if p.replaced > 0 {
		run.Printf("  !! %d packages replace another build of the same version: clients that have it won't take this one; raise VERSION if it was published", p.replaced)
	}
	for _, v := range p.news {
		if strings.Contains(v, "~") {
			run.Printf("  !! %s is a prerelease: once it is published, every server that uses the repositories is offered it", v)
		}
	}
}

// notBefore returns the time for the indexes: o.Epoch, or that of the
// published ones if it is later. Clients silently ignore an index that is
// older than the one they have.
func notBefore(o Options) (time.Time, error) {
	path := filepath.Join(o.Published, "apt", "dists", packages.Suite, "Release")
	release, err := os.ReadFile(path)
	if o.Published == "" || !o.Named && errors.Is(err, fs.ErrNotExist) {
		return o.Epoch, nil
	}
	if err != nil {
		return o.Epoch, fmt.Errorf("read the published index: %w: set %s to the folder of what is published", err, PublishedVariable)
	}
	_, rest, _ := strings.Cut("\n"+string(release), "\nDate: ")
	date, _, _ := strings.Cut(rest, "\n")
	published, err := time.Parse(aptTime, date)
	if err != nil {
		return o.Epoch, fmt.Errorf("read the date of %s: %w", path, err)
	}
	if published.After(o.Epoch) {
		run.Printf("  !! the indexes carry the time of the published ones, %s, which is later than the packages'", date)
		return published, nil
	}
	return o.Epoch, nil
}

package repo

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/run"
)

// pool is what was gathered for both repositories.
type pool struct {
	files    map[string]contents // by the extension of the format
	kept     []string            // Debian versions of what was published and stays
	news     []string            // and of what is new
	replaced int                 // how many new packages replace another build
	promoted int                 // how many go from beta to stable
	left     int                 // how many are left out
}

// gather puts the published packages and then the new ones into tmp, a folder
// for each package. What it returns are the digests of the bytes that lie there
// now: only they count, whatever happens to the originals meanwhile.
func gather(o Options, old *published, tmp string) (*pool, error) {
	p := &pool{files: map[string]contents{}}
	for _, f := range formats {
		p.files[f.extension] = newContents()
		news, err := p.takeNew(o, f, tmp)
		if err != nil {
			return nil, fmt.Errorf("gather the %s packages: %w", f.extension, err)
		}
		if old != nil {
			if err := p.keep(o, f, old, news, tmp); err != nil {
				return nil, fmt.Errorf("gather the published %s packages: %w", f.extension, err)
			}
		}
		if p.files[f.extension].count() == 0 {
			return nil, fmt.Errorf("%s holds no packages: run go tool mage package", o.Packages)
		}
	}
	switch {
	case o.Promote != (packages.Version{}) && p.promoted == 0:
		held := map[string]bool{}
		for place := range p.files[debFormat.extension][Beta] {
			_, version, _ := debFormat.split(path.Base(place)) // it has been checked
			held[version] = true
		}
		return nil, fmt.Errorf("the channel %s holds no version %s, but %q", Beta, o.Promote, slices.Sorted(maps.Keys(held)))
	case len(o.Without) > 0 && p.left == 0:
		return nil, fmt.Errorf("%s holds no package of the versions to leave out: %v", o.Published, o.Without)
	}
	return p, nil
}

// takeNew copies the new packages, and returns their places.
func (p *pool) takeNew(o Options, f format, tmp string) (listing, error) {
	if o.Packages == "" {
		return nil, nil
	}
	dir, err := os.OpenRoot(o.Packages)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	files, err := f.find(dir, ".")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		data, err := readRegular(dir, file)
		if err != nil {
			return nil, err
		}
		place, err := f.place(path.Base(file))
		if err != nil {
			return nil, err
		}
		p.note(f, file, &p.news)
		if err := p.put(o, f, tmp, o.Channel, place, data); err != nil {
			return nil, err
		}
	}
	return maps.Clone(p.files[f.extension][o.Channel]), nil
}

// keep copies the published packages that no new one replaces. They must be
// exactly those that the indexes list: a further one was put there by somebody
// else, and one that is gone would vanish from the servers that use it.
func (p *pool) keep(o Options, f format, old *published, news listing, tmp string) error {
	dir, err := os.OpenRoot(o.Published)
	if err != nil {
		return err
	}
	defer dir.Close()
	lists := old.lists[f.extension]
	if o.Named && lists.count() == 0 {
		return fmt.Errorf("%s holds none: set %s to the folder of what is published, apt and yum", o.Published, PublishedVariable)
	}
	for pool, of := range f.pools() {
		all := listing{}
		for _, c := range of {
			maps.Copy(all, lists[c])
		}
		if err := checkListed(dir, f, pool, all); err != nil {
			return err
		}
	}
	for _, c := range channels {
		for _, place := range slices.Sorted(maps.Keys(lists[c])) {
			sum := lists[c][place]
			to, err := p.destination(o, f, c, place, news[place], sum)
			if err != nil {
				return err
			}
			if to == "" {
				continue
			}
			if o.Signer != nil && !old.signed {
				return fmt.Errorf("%s holds %s, and nobody has signed that index: a signed repository vouches for all that it holds; delete the folder if it never was published", o.Published, path.Base(place))
			}
			data, err := readRegular(dir, f.pool(c)+"/"+place)
			if err != nil {
				return err
			}
			if digest(data) != sum {
				return fmt.Errorf("%s/%s/%s is not the package that the index lists: restore it", o.Published, f.pool(c), place)
			}
			p.note(f, place, &p.kept)
			if err := p.put(o, f, tmp, to, place, data); err != nil {
				return err
			}
		}
	}
	return nil
}

// destination returns the channel for a published package of channel c, or none
// if it does not stay. fresh is the digest of a new package of this name.
func (p *pool) destination(o Options, f format, c Channel, place, fresh, sum string) (Channel, error) {
	if wanted, err := f.place(path.Base(place)); err != nil || wanted != place {
		return "", fmt.Errorf("the index lists %q, which is no place of a package", place)
	}
	_, version, err := f.split(path.Base(place))
	if err != nil {
		return "", err
	}
	switch {
	case slices.ContainsFunc(o.Without, func(v packages.Version) bool { return f.version(v) == version }):
		p.left++
		return "", nil
	case fresh == "" && c == Beta && o.Promote != (packages.Version{}) && f.version(o.Promote) == version:
		p.promoted++
		return Stable, nil
	case fresh == "":
		return c, nil
	case fresh == sum && c == Stable && o.Channel == Beta && o.Named:
		return "", fmt.Errorf("%s holds %s in the channel %s, and clients may have it: it can't go back to %s; say -channel=%s if that is where it stays", o.Published, path.Base(place), c, o.Channel, c)
	case fresh == sum:
		return "", nil
	case o.Named:
		return "", fmt.Errorf("%s holds another build of %s, which clients may have: raise VERSION", o.Published, path.Base(place))
	}
	p.replaced++
	return "", nil
}

// checkListed compares the packages that are there with those that are listed.
func checkListed(dir *os.Root, f format, pool string, list listing) error {
	found, err := f.find(dir, pool)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, name := range found {
		place := strings.TrimPrefix(name, pool+"/")
		there[place] = true
		if list[place] == "" {
			return fmt.Errorf("the index in %s does not list %q: a repository vouches for all that it holds; remove the file", dir.Name(), name)
		}
	}
	for place := range list {
		if !there[place] {
			return fmt.Errorf("the index in %s lists %q, which is gone: restore the file, or nobody can install that version again", dir.Name(), pool+"/"+place)
		}
	}
	return nil
}

// put writes a package of a channel. createrepo_c takes the file's time into the
// index.
func (p *pool) put(o Options, f format, tmp string, c Channel, place string, data []byte) error {
	to := filepath.Join(tmp, filepath.FromSlash(f.pool(c)), filepath.FromSlash(place))
	if err := atomicdir.WriteFile(to, data, 0o644); err != nil {
		return err
	}
	p.files[f.extension][c][place] = digest(data)
	return os.Chtimes(to, o.Epoch, o.Epoch)
}

// note adds a Debian package's version to those that tell prints.
func (p *pool) note(f format, file string, versions *[]string) {
	if _, version, err := f.split(path.Base(file)); err == nil && f.extension == debFormat.extension && !slices.Contains(*versions, version) {
		*versions = append(*versions, version)
	}
}

// checkIndexed makes sure that an index lists exactly the gathered packages of
// a channel: the tools that make the indexes only warn of files that they can't
// read.
func (p *pool) checkIndexed(f format, c Channel, list listing) error {
	want := p.files[f.extension][c]
	for place, sum := range want {
		if list[place] != sum {
			return fmt.Errorf("the new index of %s packages in %s does not list %s: it is no package for these systems", f.extension, c, place)
		}
	}
	if len(list) != len(want) {
		return fmt.Errorf("the new index of %s packages in %s lists %d packages, and there are %d", f.extension, c, len(list), len(want))
	}
	return nil
}

// tell prints what else the repositories offer.
func (p *pool) tell(o Options) {
	kept := slices.DeleteFunc(p.kept, func(v string) bool { return slices.Contains(p.news, v) })
	if len(kept) > 0 {
		run.Printf("  ok kept of what was published: %s", strings.Join(kept, ", "))
	}
	if p.promoted > 0 {
		run.Printf("  ok %d packages of version %s go from %s to %s", p.promoted, o.Promote, Beta, Stable)
	}
	if p.left > 0 {
		run.Printf("  !! %d published packages are left out: servers that have them keep them, and nobody can install them again", p.left)
	}
	if p.replaced > 0 {
		run.Printf("  !! %d packages replace another build of the same version: clients that have it won't take this one; raise VERSION if it was published", p.replaced)
	}
	for _, v := range p.news {
		if strings.Contains(v, "~") && o.Channel == Stable {
			run.Printf("  !! %s is a prerelease in the channel %s: once it is published, every server that uses the repositories is offered it", v, Stable)
		}
	}
}

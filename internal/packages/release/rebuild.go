package release

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/packages/repo"
	"github.com/avirkit/avirkit/internal/packages/signing"
	"github.com/avirkit/avirkit/internal/run"
)

// rebuild makes what the release of this checkout's version holds from the
// sources, and compares.
func rebuild(ctx context.Context, o VerifyOptions, v *repo.Vouched, releases []string) error {
	version, err := packages.FindVersion(ctx, o.Root)
	if err != nil {
		return err
	}
	stem := "avirkit-" + version.String()
	i := slices.IndexFunc(releases, func(r string) bool { return v.Files[path.Join(r, stem+"-linux-386.tar.gz")] != "" })
	if i < 0 {
		return fmt.Errorf("%s holds no release of version %s, which this checkout has, so nothing was built again: check out the tag of a version that is there", o.Dir, version)
	}
	if first, err := changes(ctx, o.Root); err != nil || first != "" {
		return errors.Join(err, fmt.Errorf("this checkout has changes (%s), so that it can't make what was released: verify in a fresh clone", first))
	}
	release := releases[i]
	var theirs build.Manifest
	if err := json.Unmarshal(v.Read(path.Join(release, build.ManifestName)), &theirs); err != nil {
		return fmt.Errorf("%s/%s: %w", release, build.ManifestName, err)
	}
	keys, err := signing.Listed(v.Read(path.Join(release, keyName)))
	if err != nil {
		return fmt.Errorf("%s/%s: %w", release, keyName, err)
	}
	work := filepath.Join(o.Root, ".cache", "verify")
	p := packages.Options{Data: filepath.Join(o.Root, "packaging"), Dist: filepath.Join(work, "dist"), Out: filepath.Join(work, "packages"), Version: version, Keyring: keys}
	if p.Epoch, err = packages.FindEpoch(ctx, o.Root); err != nil {
		return err
	}
	ours, err := build.Run(ctx, build.Options{Root: o.Root, Toolchain: theirs.Toolchain, Dist: p.Dist})
	if err != nil {
		return err
	}
	wrong := compareFiles(ours, &theirs)
	for name, from := range archives(stem, p.Dist) {
		again := filepath.Join(work, name)
		if err := pack(ctx, from, again, p.Epoch); err != nil {
			return err
		}
		mine, err := os.ReadFile(again)
		if err != nil {
			return fmt.Errorf("read what was built: %w", err)
		}
		// Another gzip compresses in another way.
		if !bytes.Equal(unpacked(mine), unpacked(v.Read(path.Join(release, name)))) {
			wrong = append(wrong, fmt.Errorf("%s: the sources make other contents", name))
		}
	}
	if err := packages.Build(ctx, p); err != nil {
		return err
	}
	n, more, err := comparePackages(v, release, p.Out)
	if err != nil {
		return err
	}
	if wrong = append(wrong, more...); len(wrong) > 0 {
		if made, said := ours.Compiler+" "+strings.Join(ours.Tools, ", "), theirs.Compiler+" "+strings.Join(theirs.Tools, ", "); made != said {
			wrong = append(wrong, fmt.Errorf("built here with %s; the release was built with %s", made, said))
		}
		return fmt.Errorf("version %s is NOT what its sources make:\n%w", version, errors.Join(wrong...))
	}
	run.Printf("  ok the sources of this commit make the same %d libraries, programs and other files, and the same %d packages", len(ours.Files), n)
	for _, other := range slices.Delete(slices.Clone(releases), i, i+1) {
		run.Printf("  !! %q was not built again: check out its tag for that", other)
	}
	run.Printf("verified: %s", o.Dir)
	return nil
}

// archives are the archives of a build by name, and the folder that each holds.
func archives(stem, dist string) map[string]string {
	all := map[string]string{stem + "-debug.tar.gz": filepath.Join(dist, build.DirDebug)}
	for _, p := range platform.All {
		all[stem+"-"+p.Name+".tar.gz"] = filepath.Join(dist, p.Name)
	}
	return all
}

// compareFiles names the files in which our build differs from the release.
func compareFiles(ours, theirs *build.Manifest) (wrong []error) {
	sums := map[string]string{}
	for _, f := range theirs.Files {
		sums[f.Path] = f.SHA256
	}
	for _, f := range ours.Files {
		if sums[f.Path] != f.SHA256 {
			wrong = append(wrong, fmt.Errorf("%s: the sources make another file", f.Path))
		}
		delete(sums, f.Path)
	}
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		wrong = append(wrong, fmt.Errorf("%s: the sources do not make it", name))
	}
	return wrong
}

// comparePackages compares the packages of the release, and those of its
// version in the repositories, with those in ours.
func comparePackages(v *repo.Vouched, release, ours string) (n int, wrong []error, err error) {
	files, err := os.ReadDir(ours)
	if err != nil {
		return 0, nil, fmt.Errorf("list what was built: %w", err)
	}
	missing := map[string]bool{}
	for _, f := range files {
		missing[f.Name()] = true
	}
	for _, name := range slices.Sorted(maps.Keys(v.Files)) {
		file, ext := path.Base(name), path.Ext(name)
		inRelease := path.Dir(name) == path.Clean(release)
		if ext != ".deb" && ext != ".rpm" || !inRelease && (!missing[file] && v.Files[path.Join(release, file)] == "" || strings.HasPrefix(name, "releases/")) {
			continue // an earlier version's
		}
		mine, err := os.ReadFile(filepath.Join(ours, file))
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: the sources do not make it", name))
			continue
		}
		if inRelease {
			n++
			delete(missing, file)
		}
		if !bytes.Equal(unsigned(mine), unsigned(v.Read(name))) {
			wrong = append(wrong, fmt.Errorf("%s: the sources make another package", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		wrong = append(wrong, fmt.Errorf("%s: it is missing, and the sources make it", name))
	}
	return n, wrong, nil
}

// unsigned returns a package without rpm's header of signatures, which stands
// between the lead and the header that it signs: the magic and three words, of
// which the last two count entries of 16 bytes and bytes of data, filled up to
// eight.
func unsigned(pkg []byte) []byte {
	const lead, intro = 96, 16
	if len(pkg) < lead+intro || !bytes.HasPrefix(pkg, []byte{0xed, 0xab, 0xee, 0xdb}) {
		return pkg
	}
	size := uint64(binary.BigEndian.Uint32(pkg[lead+8:]))*16 + uint64(binary.BigEndian.Uint32(pkg[lead+12:]))
	end := lead + intro + (size+7)/8*8
	if end > uint64(len(pkg)) {
		return pkg
	}
	return slices.Concat(pkg[:lead], pkg[end:])
}

// unpacked returns what was compressed, nil if it is damaged.
func unpacked(archive []byte) []byte {
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil
	}
	data, err := io.ReadAll(z)
	if err != nil {
		return nil
	}
	return data
}

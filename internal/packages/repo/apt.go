package repo

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/run"
)

// aptTime is the form of dates in a Release file.
const aptTime = "Mon, 02 Jan 2006 15:04:05 UTC"

// buildApt makes the indexes in dir, whose pool is there already.
func buildApt(ctx context.Context, o Options, dir string, p *pool) error {
	suite := filepath.Join("dists", packages.Suite)
	all := listing{}
	for _, arch := range debArchitectures() {
		index, err := packagesIndex(ctx, dir, arch)
		if err != nil {
			return err
		}
		list, err := parsePackages(index)
		if err != nil {
			return err
		}
		maps.Copy(all, list)
		path := filepath.Join(dir, suite, "main", "binary-"+arch, "Packages")
		if err := atomicdir.WriteFile(path, index, 0o644); err != nil {
			return err
		}
		// apt 0.8 can't read xz without help, and no apt needs it.
		compressed, err := packages.Gzip(index)
		if err != nil {
			return err
		}
		if err := atomicdir.WriteFile(path+".gz", compressed, 0o644); err != nil {
			return err
		}
	}
	if err := p.checkIndexed(debFormat, all); err != nil {
		return err
	}
	release, err := releaseFile(ctx, o, dir, suite)
	if err != nil {
		return err
	}
	if err := atomicdir.WriteFile(filepath.Join(dir, suite, "Release"), release, 0o644); err != nil {
		return err
	}
	if err := signRelease(o.Signer, filepath.Join(dir, suite), release); err != nil {
		return err
	}
	return writeSources(o, dir)
}

func debArchitectures() []string {
	var list []string
	for _, p := range platform.All {
		list = append(list, p.Deb)
	}
	slices.Sort(list)
	return list
}

// packagesIndex returns the Packages file of one architecture, in the order
// of file names: apt-ftparchive takes the order in which the file system
// lists the pool.
func packagesIndex(ctx context.Context, dir, arch string) ([]byte, error) {
	out, err := run.Command{Name: "apt-ftparchive", Args: []string{"--arch", arch, "packages", "pool/main"}, Dir: dir}.Run(ctx)
	if err != nil {
		return nil, err
	}
	stanzas := strings.Split(strings.TrimSpace(out), "\n\n")
	slices.SortFunc(stanzas, func(a, b string) int { return strings.Compare(fileNameIn(a), fileNameIn(b)) })
	return []byte(strings.Join(stanzas, "\n\n") + "\n"), nil
}

func fileNameIn(stanza string) string {
	_, rest, _ := strings.Cut(stanza, "\nFilename: ")
	name, _, _ := strings.Cut(rest, "\n")
	return name
}

// releaseFile returns the index of the lists. It has no Valid-Until: a version
// may be the newest one for a year, and a date that passes would make apt
// refuse the repository on every server until somebody with the key signs it
// again. So whoever can change what a server downloads can hide that there is
// a newer version; they can't offer one of their own.
func releaseFile(ctx context.Context, o Options, dir, suite string) ([]byte, error) {
	args := []string{}
	for _, field := range [][2]string{
		{"Origin", "avirkit"},
		{"Label", "avirkit"},
		{"Suite", packages.Suite},
		{"Codename", packages.Suite},
		{"Architectures", strings.Join(debArchitectures(), " ")},
		{"Components", "main"},
		{"Description", "Antivirus plugins for Kerio Connect and Kerio Control"},
		{"Date", o.Epoch.UTC().Format(aptTime)},
	} {
		args = append(args, "-o", "APT::FTPArchive::Release::"+field[0]+"="+field[1])
	}
	out, err := run.Command{Name: "apt-ftparchive", Args: append(args, "release", suite), Dir: dir}.Run(ctx)
	return []byte(out), err
}

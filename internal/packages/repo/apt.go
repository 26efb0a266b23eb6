package repo

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/run"
)

// aptTime is the form of dates in a Release file.
const aptTime = "Mon, 02 Jan 2006 15:04:05 UTC"

// buildApt makes the indexes of all channels in dir, whose pool is there already.
func buildApt(ctx context.Context, o Options, dir string, p *pool) error {
	stanzas := map[string][]string{} // by architecture
	for _, arch := range architectures(deb) {
		list, err := packageStanzas(ctx, dir, arch)
		if err != nil {
			return err
		}
		stanzas[arch] = list
	}
	for _, c := range channels {
		if err := buildSuite(ctx, o, c, dir, stanzas, p); err != nil {
			return err
		}
	}
	return writeChangelogs(dir, p)
}

// buildSuite makes the indexes of one channel.
func buildSuite(ctx context.Context, o Options, c Channel, dir string, stanzas map[string][]string, p *pool) error {
	suite := filepath.Join("dists", string(c))
	all := listing{}
	for arch, list := range stanzas {
		var in []string
		for _, stanza := range list {
			if p.files[debFormat.extension][c][placeIn(stanza)] != "" {
				in = append(in, stanza+"\n")
			}
		}
		index := []byte(strings.Join(in, "\n"))
		places, err := parsePackages(index)
		if err != nil {
			return err
		}
		maps.Copy(all, places)
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
	if err := p.checkIndexed(debFormat, c, all); err != nil {
		return err
	}
	release, err := releaseFile(ctx, o, c, dir)
	if err != nil {
		return err
	}
	if err := atomicdir.WriteFile(filepath.Join(dir, suite, "Release"), release, 0o644); err != nil {
		return err
	}
	return signRelease(o.Signer, filepath.Join(dir, suite), release)
}

// packageStanzas returns what an index says of the packages for one
// architecture, in the order of file names: apt-ftparchive takes the order in
// which the file system lists the pool.
func packageStanzas(ctx context.Context, dir, arch string) ([]string, error) {
	out, err := run.Command{Name: "apt-ftparchive", Args: []string{"--arch", arch, "packages", "pool/main"}, Dir: dir}.Run(ctx)
	if err != nil {
		return nil, err
	}
	stanzas := strings.Split(strings.TrimSpace(out), "\n\n")
	slices.SortFunc(stanzas, func(a, b string) int { return strings.Compare(placeIn(a), placeIn(b)) })
	return stanzas, nil
}

// placeIn returns the place below the pool of the package that a stanza tells of.
func placeIn(stanza string) string {
	_, rest, _ := strings.Cut(stanza, "\nFilename: pool/main/")
	place, _, _ := strings.Cut(rest, "\n")
	return place
}

// releaseFile returns the index of the lists. It has no Valid-Until: a version
// may be the newest one for a year, and a date that passes would make apt
// refuse the repository on every server until somebody with the key signs it
// again. So whoever can change what a server downloads can hide that there is
// a newer version; they can't offer one of their own.
func releaseFile(ctx context.Context, o Options, c Channel, dir string) ([]byte, error) {
	args := []string{}
	for _, field := range [][2]string{
		{"Origin", "avirkit"},
		{"Label", "avirkit"},
		{"Suite", string(c)},
		{"Codename", string(c)},
		{"Architectures", strings.Join(architectures(deb), " ")},
		{"Components", "main"},
		{"Description", "Antivirus plugins for Kerio Connect and Kerio Control"},
		{"Date", o.Epoch.UTC().Format(aptTime)},
	} {
		args = append(args, "-o", "APT::FTPArchive::Release::"+field[0]+"="+field[1])
	}
	out, err := run.Command{Name: "apt-ftparchive", Args: append(args, "release", "dists/"+string(c)), Dir: dir}.Run(ctx)
	// apt-ftparchive writes neither of these fields.
	return fmt.Appendf(nil, "Channels: %s\nChangelogs: %s/apt/%s\n%s", channelNames(), o.URL, changelogPath, out), err
}

package packages

import (
	"fmt"

	"github.com/goreleaser/nfpm/v2/deb"
)

// deb builds the Debian package. dpkg holds one architecture of a package that
// says nothing of Multi-Arch: installing the other replaces it.
func (r *recipe) deb() (fileName string, content []byte, err error) {
	info := r.info(r.forDeb)
	info.Version = r.opts.Version.Deb()
	info.Section, info.Priority = r.about.Section, "optional"
	info.Description = r.about.Summary + "\n" + r.about.Description
	if r.platform != nil {
		info.Deb.Arch = r.platform.Deb
	}
	if r.product.Package != "" {
		info.Deb.Fields = map[string]string{"Enhances": r.product.Package}
	}
	// Debian 6 knows no zstd. dropDirectories compresses once more, and well.
	info.Deb.Compression = "gzip:1"
	if err := r.scripts("deb", map[string]*string{
		"preinst": &info.Scripts.PreInstall, "postinst": &info.Scripts.PostInstall, "postrm": &info.Scripts.PostRemove,
	}); err != nil {
		return "", nil, err
	}
	if fileName, content, err = pack(deb.Default, info); err != nil {
		return "", nil, err
	}
	if content, err = dropDirectories(content, "./opt/"); err != nil {
		return "", nil, fmt.Errorf("build %s: %w", fileName, err)
	}
	return fileName, content, nil
}

// debChangelog writes the changelog as the file that Debian packages have.
func (r *recipe) debChangelog() (source string, err error) {
	entries, err := chglogEntries(r.history, r.data.Maintainer, Version.Deb)
	if err != nil {
		return "", err
	}
	changelog, err := debChangelog(r.name, entries)
	if err != nil {
		return "", err
	}
	// nfpm would call it changelog.Debian.gz, which is only for versions
	// with a Debian revision.
	if changelog, err = Gzip(changelog); err != nil {
		return "", err
	}
	return r.write("deb-changelog.gz", changelog)
}

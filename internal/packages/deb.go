package packages

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
)

// glibcOf names the package that holds the 32-bit glibc, per architecture.
var glibcOf = map[string]string{"i386": "libc6", "amd64": "libc6-i386"}

// deb builds a Debian package for arch, "i386" or "amd64": the same 32-bit
// library, with the glibc that it needs there.
func (r *recipe) deb(arch string) (fileName string, content []byte, err error) {
	info, err := r.debInfo(arch)
	if err != nil {
		return "", nil, err
	}
	var b bytes.Buffer
	fileName = deb.Default.ConventionalFileName(info)
	if err := deb.Default.Package(info, &b); err != nil {
		return "", nil, fmt.Errorf("build %s: %w", fileName, err)
	}
	content, err = dropDirectories(b.Bytes(), "./opt/")
	if err != nil {
		return "", nil, fmt.Errorf("build %s: %w", fileName, err)
	}
	return fileName, content, nil
}

func (r *recipe) debInfo(arch string) (*nfpm.Info, error) {
	description, err := r.description()
	if err != nil {
		return nil, err
	}
	contents, err := r.debContents(arch)
	if err != nil {
		return nil, err
	}
	info := r.info(arch)
	info.Version = r.opts.Version.Deb()
	info.Section = r.product.Section
	info.Priority = "optional"
	info.Description = r.summary() + "\n" + description
	info.Contents = contents
	info.Depends = []string{fmt.Sprintf("%s (%s)", glibcOf[arch], r.needs.DebGlibc())}
	info.Suggests = r.plugin.Suggests.Deb
	info.Deb.Arch = arch
	// Debian 6 knows no zstd. dropDirectories compresses once more, and well.
	info.Deb.Compression = "gzip:1"
	info.Deb.Fields = map[string]string{"Enhances": r.product.Package}
	for script, at := range map[string]*string{
		"preinst": &info.Scripts.PreInstall, "postinst": &info.Scripts.PostInstall, "postrm": &info.Scripts.PostRemove,
	} {
		if *at, err = r.fillIn("deb-"+script, "deb", script); err != nil {
			return nil, err
		}
	}
	return info, nil
}

func (r *recipe) debContents(arch string) (files.Contents, error) {
	doc := "/usr/share/doc/" + r.name
	contents := files.Contents{file(r.library(), r.product.Plugins+"/"+r.plugin.Library, files.TypeFile)}
	for destination, template := range map[string][]string{
		doc + "/copyright":                       {"copyright"},
		doc + "/README":                          {r.texts.plugin, "README"},
		"/usr/share/lintian/overrides/" + r.name: {"deb", "lintian-overrides"},
	} {
		source, err := r.fillIn("deb-"+arch+"-"+strings.ReplaceAll(filepath.Base(destination), r.name, "overrides"), template...)
		if err != nil {
			return nil, err
		}
		contents = append(contents, file(source, destination, files.TypeFile))
	}
	entries, err := chglogEntries(r.history, r.data.Maintainer, Version.Deb)
	if err != nil {
		return nil, err
	}
	changelog, err := debChangelog(r.name, entries)
	if err != nil {
		return nil, err
	}
	// nfpm would call it changelog.Debian.gz, which is only for versions
	// with a Debian revision.
	if changelog, err = Gzip(changelog); err != nil {
		return nil, err
	}
	source, err := r.write("deb-changelog.gz", changelog)
	if err != nil {
		return nil, err
	}
	return append(contents, file(source, doc+"/changelog.gz", files.TypeFile)), nil
}

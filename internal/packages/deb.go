package packages

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
)

// deb builds the Debian package. dpkg holds one architecture of a package that
// says nothing of Multi-Arch: installing the other replaces it.
func (r *recipe) deb() (fileName string, content []byte, err error) {
	info, err := r.debInfo()
	if err != nil {
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

func (r *recipe) debInfo() (*nfpm.Info, error) {
	description, err := r.description()
	if err != nil {
		return nil, err
	}
	contents, err := r.debContents()
	if err != nil {
		return nil, err
	}
	info := r.info()
	info.Version = r.opts.Version.Deb()
	info.Section = r.product.Section
	info.Priority = "optional"
	info.Description = r.summary() + "\n" + description
	info.Contents = contents
	info.Depends = []string{fmt.Sprintf("libc6 (%s)", r.needs.DebGlibc())}
	info.Suggests = r.plugin.Suggests.Deb
	info.Deb.Arch = r.platform.Deb
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

func (r *recipe) debContents() (files.Contents, error) {
	readme, err := r.fillIn("deb-README", r.texts.plugin, "README")
	if err != nil {
		return nil, err
	}
	documents, err := r.debDocuments()
	return append(documents,
		file(r.library(), r.product.Plugins+"/"+r.plugin.Library, files.TypeFile),
		file(readme, "/usr/share/doc/"+r.name+"/README", files.TypeFile)), err
}

// debDocuments are those that each Debian package has.
func (r *recipe) debDocuments() (contents files.Contents, err error) {
	doc := "/usr/share/doc/" + r.name
	templates := map[string][]string{doc + "/copyright": {"copyright"}}
	if r.platform != nil { // lintian finds nothing in a package of data
		overrides := []string{r.texts.plugin, "lintian-overrides"}
		if _, own := os.Stat(filepath.Join(append([]string{r.data.dir}, overrides...)...)); own != nil {
			overrides[0] = "deb"
		}
		templates["/usr/share/lintian/overrides/"+r.name] = overrides
	}
	for destination, template := range templates {
		source, err := r.fillIn("deb-"+strings.ReplaceAll(filepath.Base(destination), r.name, "overrides"), template...)
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

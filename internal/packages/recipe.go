package packages

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/files"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build/platform"
)

// batch is what all packages of a build are made from.
type batch struct {
	opts    Options
	data    *Data
	history []ChangelogEntry
	stage   string // folder for what nfpm reads from files
}

// recipe is one package to build, in both formats.
type recipe struct {
	batch
	platform *platform.Platform // nil: for all
	name     string
	about    About
	product  Product // of a plugin; the other packages have no scripts
	texts    *texts

	contents       files.Contents // of both formats
	forDeb, forRPM relations
}

// About is what users read of a package, and how their systems sort it.
type About struct {
	Summary     string
	Description string
	Section     string // Debian's section
	Group       string // rpm's group
}

// relations are the packages that one depends on and suggests, as a format writes
// them.
type relations struct{ depends, suggests []string }

// recipe begins a recipe with what every package holds beside its own files:
// its licence and its history, and for Debian what lintian shall not complain
// of.
func (b batch) recipe(name string, of *platform.Platform, t *texts) (*recipe, error) {
	r := &recipe{batch: b, name: name, platform: of, texts: t}
	r.history = entriesFor(b.history, b.opts.Version, b.opts.Epoch)
	r.stage = filepath.Join(b.stage, name)
	doc, licenses := "/usr/share/doc/"+name, "/usr/share/licenses/"+name
	if of != nil { // lintian finds nothing in a package of data
		r.stage = filepath.Join(b.stage, of.Name, name)
		overrides := []string{t.plugin, "lintian-overrides"}
		if _, own := os.Stat(filepath.Join(b.data.dir, t.plugin, "lintian-overrides")); own != nil {
			overrides[0] = "deb"
		}
		source, err := r.fillIn("overrides", overrides...)
		if err != nil {
			return nil, err
		}
		r.add(only("deb", file(source, "/usr/share/lintian/overrides/"+name, files.TypeFile)))
	}
	license, err := r.fillIn("copyright", "copyright")
	if err != nil {
		return nil, err
	}
	changelog, err := r.debChangelog()
	if err != nil {
		return nil, err
	}
	r.add(only("deb", file(license, doc+"/copyright", files.TypeFile)), file(license, licenses+"/LICENSE", files.TypeRPMLicense),
		only("deb", file(changelog, doc+"/changelog.gz", files.TypeFile)))
	// The systems before EL7 have no /usr/share/licenses; on the others it stays,
	// because the package filesystem lists it too.
	r.folders(licenses, "/usr/share/licenses")
	return r, nil
}

func (r *recipe) add(contents ...*files.Content) { r.contents = append(r.contents, contents...) }

// folders adds directories that go with the package: rpm removes only those
// that are listed.
func (r *recipe) folders(paths ...string) {
	for _, path := range paths {
		r.add(only("rpm", &files.Content{
			Destination: path, Type: files.TypeDir, FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: 0o755},
		}))
	}
}

// only keeps a file out of the packages of other formats.
func only(format string, c *files.Content) *files.Content {
	c.Packager = format
	return c
}

// info is what both formats say. It is made anew for each package, because
// nfpm changes what it is given.
func (r *recipe) info(of relations) *nfpm.Info {
	arch := "all"
	if r.platform != nil {
		arch = r.platform.GOARCH
	}
	info := nfpm.WithDefaults(&nfpm.Info{
		Name:            r.name,
		Arch:            arch,
		Platform:        "linux",
		VersionSchema:   "none", // Version has split it already
		Maintainer:      r.data.Maintainer,
		Vendor:          r.data.Vendor,
		Homepage:        r.data.Homepage,
		License:         r.data.License,
		DisableGlobbing: true,
		MTime:           r.opts.Epoch,
	})
	info.Contents, info.Depends, info.Suggests = r.contents, of.depends, of.suggests
	return info
}

// scripts fills in the scripts of a plugin's package, which stand in the format's
// folder. The other packages have none.
func (r *recipe) scripts(format string, places map[string]*string) (err error) {
	for name, at := range places {
		if r.product.Package == "" {
			continue
		}
		if *at, err = r.fillIn(format+"-"+name, format, name); err != nil {
			return err
		}
	}
	return nil
}

// pack makes the file of a package.
func pack(format nfpm.Packager, info *nfpm.Info) (fileName string, content []byte, err error) {
	var b bytes.Buffer
	fileName = format.ConventionalFileName(info)
	if err := format.Package(info, &b); err != nil {
		return "", nil, fmt.Errorf("build %s: %w", fileName, err)
	}
	return fileName, b.Bytes(), nil
}

// file returns a regular file of root's, for everybody to read, whatever the
// umask and the modes of the checkout are.
func file(source, destination, kind string) *files.Content {
	return &files.Content{
		Source:      source,
		Destination: destination,
		Type:        kind,
		FileInfo:    &files.ContentFileInfo{Owner: "root", Group: "root", Mode: 0o644},
	}
}

// write puts data where nfpm can read it.
func (r *recipe) write(name string, data []byte) (string, error) {
	path := filepath.Join(r.stage, name)
	return path, atomicdir.WriteFile(path, data, 0o644)
}

// fillIn fills in a template of packaging/ and writes it as stage/as.
func (r *recipe) fillIn(as string, template ...string) (string, error) {
	data, err := r.texts.file(template...)
	if err != nil {
		return "", err
	}
	return r.write(as, data)
}

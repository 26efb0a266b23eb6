package packages

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"path/filepath"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/files"
)

// recipe is one package to build.
type recipe struct {
	opts     Options
	data     *Data
	platform *platform.Platform // nil: for all
	name     string
	product  Product
	plugin   Plugin
	texts    *texts
	needs    Needs
	history  []ChangelogEntry
	stage    string // folder for what nfpm reads from files
}

func newRecipe(opts Options, d *Data, product, plugin string, of *platform.Platform, history []ChangelogEntry, stage string) (*recipe, error) {
	r := &recipe{
		opts: opts, data: d, platform: of, product: d.Products[product], plugin: d.Plugins[plugin],
		name:    packageName(d.Products[product], plugin),
		history: entriesFor(history, opts.Version, opts.Epoch),
	}
	r.stage = filepath.Join(stage, of.Name, r.name)
	var err error
	if r.texts, err = newTexts(d, opts.Version, r.product, plugin, of); err != nil {
		return nil, err
	}
	r.needs, err = ReadNeeds(r.library(), of)
	return r, err
}

func (r *recipe) library() string {
	return filepath.Join(r.opts.Dist, r.platform.Name, r.plugin.Library)
}

func (r *recipe) summary() string { return r.plugin.Summary + " " + r.product.Name }

func (r *recipe) description() (string, error) {
	text, err := r.texts.fill(r.plugin.Library+"'s description", r.plugin.Description)
	return string(text), err
}

// info is what both formats say. It is made anew for each package, because
// nfpm changes what it is given.
func (r *recipe) info() *nfpm.Info {
	arch := "all"
	if r.platform != nil {
		arch = r.platform.GOARCH
	}
	return nfpm.WithDefaults(&nfpm.Info{
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

// Gzip does what gzip -9n does.
func Gzip(data []byte) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(data)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	return b.Bytes(), nil
}

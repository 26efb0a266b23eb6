package packages

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
	"github.com/goreleaser/nfpm/v2/rpm"

	"github.com/avirkit/avirkit/internal/build/platform"
)

// ToolsName is the package of avirctl, which is for all products and plugins.
const ToolsName = "avirkit-tools"

// ToolsFolder is where it has the host programs, a folder for each platform.
// avirctl looks there.
const ToolsFolder = "/usr/lib/avirkit"

// About is what packaging/ says of a package that is for all products.
type About struct {
	Summary     string
	Description string
	Section     string // Debian's section
	Group       string // rpm's group
}

// tools is the package of avirctl for one platform.
type tools struct {
	*recipe
	about About
}

func newTools(opts Options, d *Data, of *platform.Platform, history []ChangelogEntry, stage string) (*tools, error) {
	t := &tools{recipe: &recipe{opts: opts, data: d, platform: of, name: ToolsName,
		history: entriesFor(history, opts.Version, opts.Epoch), stage: filepath.Join(stage, of.Name, ToolsName)}}
	if err := decode(filepath.Join(d.dir, "tools", "tools.yml"), &t.about); err != nil {
		return nil, err
	}
	stanzas, err := os.ReadFile(filepath.Join(d.dir, "tools", "copyright"))
	if err != nil {
		return nil, fmt.Errorf("read the tools' copyright: %w", err)
	}
	t.texts = &texts{dir: d.dir, plugin: "tools", naming: Naming{Name: ToolsName, Version: opts.Version.Deb(), Copyright: string(stanzas)}}
	return t, nil
}

// programs are avirctl and its hosts: a 64-bit machine may have a 32-bit
// product.
func (t *tools) programs() (contents files.Contents, err error) {
	add := func(source, destination string) {
		if _, missing := os.Stat(source); missing != nil && err == nil {
			err = fmt.Errorf("%s is not built: run go tool mage build", source)
		}
		c := file(source, destination, files.TypeFile)
		c.FileInfo.Mode = 0o755
		contents = append(contents, c)
	}
	add(filepath.Join(t.opts.Dist, t.platform.Name, "avirctl"), "/usr/bin/avirctl")
	for _, p := range t.runs() {
		add(filepath.Join(t.opts.Dist, p.Name, "avserver"), ToolsFolder+"/"+p.Name+"/avserver")
	}
	return contents, err
}

// runs are the platforms whose programs the package's systems can run.
func (t *tools) runs() (list []*platform.Platform) {
	for _, p := range platform.All {
		if p.Bits() <= t.platform.Bits() {
			list = append(list, p)
		}
	}
	return list
}

// manual packs the manual pages as both formats have them. kind is what a
// format calls documents.
func (t *tools) manual(kind string) (contents files.Contents, err error) {
	pages, err := filepath.Glob(filepath.Join(t.data.dir, "tools", "man", "*.8"))
	if err == nil && len(pages) == 0 {
		err = fmt.Errorf("there are no manual pages in %s/tools/man", t.data.dir)
	}
	if err != nil {
		return nil, err
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err == nil {
			text, err = Gzip(text)
		}
		name := filepath.Base(page) + ".gz"
		var source string
		if err == nil {
			source, err = t.write(name, text)
		}
		if err != nil {
			return nil, fmt.Errorf("pack the manual: %w", err)
		}
		contents = append(contents, file(source, "/usr/share/man/man8/"+name, kind))
	}
	return contents, nil
}

// contents is what both formats have in the same place.
func (t *tools) contents(kind string) (files.Contents, error) {
	programs, err := t.programs()
	if err != nil {
		return nil, err
	}
	manual, err := t.manual(kind)
	return append(programs, manual...), err
}

func (t *tools) deb() (fileName string, content []byte, err error) {
	info := t.info()
	if info.Contents, err = t.contents(files.TypeFile); err != nil {
		return "", nil, err
	}
	documents, err := t.debDocuments()
	if err != nil {
		return "", nil, err
	}
	info.Contents = append(info.Contents, documents...)
	info.Version = t.opts.Version.Deb()
	info.Section, info.Priority = t.about.Section, "optional"
	info.Description = t.about.Summary + "\n" + t.about.Description
	info.Depends = []string{fmt.Sprintf("libc6 (>= %s)", t.platform.GlibcFloor)} // avirctl needs nothing
	for _, p := range t.runs() {
		if p != t.platform {
			info.Suggests = p.RunPackages
		}
	}
	info.Deb.Arch, info.Deb.Compression = t.platform.Deb, "gzip:9"
	return pack(deb.Default, info)
}

func (t *tools) rpm() (fileName string, content []byte, err error) {
	info := t.info()
	if info.Contents, err = t.contents(files.TypeRPMDoc); err != nil {
		return "", nil, err
	}
	license, err := t.fillIn("rpm-LICENSE", "copyright")
	if err != nil {
		return "", nil, err
	}
	licenses := "/usr/share/licenses/" + t.name
	folders := []string{ToolsFolder, licenses, "/usr/share/licenses"}
	for _, p := range t.runs() {
		folders = append(folders, ToolsFolder+"/"+p.Name)
	}
	info.Contents = slices.Concat(info.Contents, files.Contents{
		file(license, licenses+"/LICENSE", files.TypeRPMLicense),
		file(filepath.Join(t.data.dir, "tools", "Apache-2.0"), licenses+"/Apache-2.0", files.TypeRPMLicense),
	}, rpmFolders(folders...))
	info.Version, info.Release = t.opts.Version.RPM()
	info.Description = t.about.Description
	info.Depends = append([]string{"libc.so.6" + emptyMark(t.platform)}, rpmlib...)
	info.RPM.Summary, info.RPM.Group = t.about.Summary, t.about.Group
	t.rpmCommon(info)
	if info.Changelog, err = t.rpmChangelog(); err != nil {
		return "", nil, err
	}
	return pack(rpm.DefaultRPM, info)
}

// emptyMark is how rpm tells a 64-bit library without a version.
func emptyMark(p *platform.Platform) string {
	if p.RPMMark == "" {
		return ""
	}
	return "()" + p.RPMMark
}

// rpmFolders are directories that go with the package.
func rpmFolders(paths ...string) (contents files.Contents) {
	for _, path := range paths {
		contents = append(contents, &files.Content{
			Destination: path, Type: files.TypeDir,
			FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: 0o755},
		})
	}
	return contents
}

package packages

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/goreleaser/nfpm/v2/files"

	"github.com/avirkit/avirkit/internal/build/platform"
)

// ToolsName is the package of avirctl, which is for all products and plugins.
const ToolsName = "avirkit-tools"

// ToolsFolder is where it has the host programs, a folder for each platform.
// avirctl looks there.
const ToolsFolder = "/usr/lib/avirkit"

// tools is the recipe of avirctl for one platform.
func (b batch) tools(of *platform.Platform) (*recipe, error) {
	stanzas, err := b.data.copyright("tools")
	if err != nil {
		return nil, err
	}
	r, err := b.recipe(ToolsName, of, &texts{dir: b.data.dir, plugin: "tools",
		naming: Naming{Name: ToolsName, Version: b.opts.Version.Deb(), Copyright: stanzas}})
	if err != nil {
		return nil, err
	}
	if err := decode(filepath.Join(b.data.dir, "tools", "tools.yml"), &r.about); err != nil {
		return nil, err
	}
	// avirctl itself needs nothing.
	r.forDeb.depends = []string{fmt.Sprintf("libc6 (>= %s)", of.GlibcFloor)}
	r.forRPM.depends = []string{RPMSoname("libc.so.6", of)}
	programs := map[string]string{"/usr/bin/avirctl": filepath.Join(of.Name, "avirctl")}
	r.folders(ToolsFolder)
	// A 64-bit machine may have a 32-bit product.
	for _, p := range of.Runnable() {
		if p != of {
			r.forDeb.suggests = p.RunPackages
		}
		folder := ToolsFolder + "/" + p.Name
		r.folders(folder)
		programs[folder+"/avserver"] = filepath.Join(p.Name, "avserver")
	}
	for to, from := range programs {
		source := filepath.Join(b.opts.Dist, from)
		if _, err := os.Stat(source); err != nil {
			return nil, fmt.Errorf("%s is not built: run go tool mage build", source)
		}
		program := file(source, to, files.TypeFile)
		program.FileInfo.Mode = 0o755
		r.add(program)
	}
	r.add(file(filepath.Join(b.data.dir, "tools", "Apache-2.0"), "/usr/share/licenses/"+ToolsName+"/Apache-2.0", files.TypeRPMLicense))
	return r, r.manual()
}

// manual adds the manual pages.
func (r *recipe) manual() error {
	pages, err := filepath.Glob(filepath.Join(r.data.dir, "tools", "man", "*.8"))
	if err == nil && len(pages) == 0 {
		err = fmt.Errorf("there are no manual pages in %s/tools/man", r.data.dir)
	}
	if err != nil {
		return err
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err == nil {
			text, err = Gzip(text)
		}
		name := filepath.Base(page) + ".gz"
		var source string
		if err == nil {
			source, err = r.write(name, text)
		}
		if err != nil {
			return fmt.Errorf("pack the manual: %w", err)
		}
		to := "/usr/share/man/man8/" + name
		r.add(only("deb", file(source, to, files.TypeFile)), file(source, to, files.TypeRPMDoc))
	}
	return nil
}

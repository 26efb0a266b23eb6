package packages

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"text/template"
	"unicode/utf8"

	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/build/platform"
)

// Naming is what the templates in packaging/ know of their package.
type Naming struct {
	Name        string             // of the package
	Version     string             // in Debian's form
	Library     string             // file name
	Bits        int                // the library's width: 32 or 64
	Other       *platform.Platform // of a library of the other width
	Product     Product
	File        string // where the library is installed
	Kept        string // where a file that was there before is kept meanwhile
	Server      string // the product's antivirus server, where it is as a rule
	Directories string // the product's, deepest first, with blanks between
	NextSteps   string // the plugin's next-steps, filled in
	Copyright   string // the plugin's own stanzas
	Rule        string // underlines the first line
}

// texts fills in a package's templates.
type texts struct {
	dir, plugin string
	naming      Naming
}

func newTexts(d *Data, v Version, product Product, plugin string, of *platform.Platform) (*texts, error) {
	name, library, above := PackageName(product, plugin), d.Plugins[plugin].Library, path.Dir(product.Plugins)
	t := &texts{dir: d.dir, plugin: plugin, naming: Naming{
		Name: name, Version: v.Deb(), Library: library, Product: product, Bits: of.Bits(), Other: of.Other(),
		File:        path.Join(product.Plugins, library),
		Kept:        path.Join(above, library+".before-"+name),
		Server:      path.Join(above, "avserver"),
		Directories: strings.Join(product.Directories(), " "),
	}}
	steps, err := t.file(plugin, "next-steps")
	if err != nil {
		return nil, err
	}
	t.naming.NextSteps = strings.TrimRight(string(steps), "\n")
	t.naming.Copyright, err = d.copyright(plugin)
	return t, err
}

// PackageName is the name of a plugin's package for a product.
func PackageName(product Product, plugin string) string {
	return product.Package + "-avir-" + build.InPackageName(plugin)
}

// FileNames are the names of a package's two files for one platform.
func FileNames(name string, v Version, of *platform.Platform) (deb, rpm string) {
	return fmt.Sprintf("%s_%s_%s.deb", name, v.Deb(), of.Deb), fmt.Sprintf("%s-%s.%s.rpm", name, v.RPMWhole(), of.RPM)
}

// file fills in the template at path below the data folder. The rule of a
// text is as long as its first line.
func (t *texts) file(names ...string) ([]byte, error) {
	file := filepath.Join(append([]string{t.dir}, names...)...)
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the packages' data: %w", err)
	}
	first, _, _ := strings.Cut(string(data), "\n")
	title, err := t.fill(file, first)
	if err != nil {
		return nil, err
	}
	n := t.naming
	n.Rule = strings.Repeat("=", utf8.RuneCount(title))
	return fill(file, string(data), n, t.shared())
}

// fill fills in a template that is a value of plugin.yml.
func (t *texts) fill(name, text string) ([]byte, error) {
	return fill(name, text, t.naming, t.shared())
}

// shared matches the files with the parts that the scripts share.
func (t *texts) shared() string { return filepath.Join(t.dir, "*.sh") }

func fill(name, text string, n Naming, shared string) ([]byte, error) {
	tpl, err := template.ParseGlob(shared)
	if err == nil {
		tpl, err = tpl.New(name).Option("missingkey=error").Parse(text)
	}
	var b bytes.Buffer
	if err == nil {
		err = tpl.Execute(&b, n)
	}
	if err != nil {
		return nil, fmt.Errorf("fill in %s: %w", name, err)
	}
	return b.Bytes(), nil
}

package packages

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"unicode/utf8"
)

// Naming is what the templates in packaging/ know of their package.
type Naming struct {
	Name        string // of the package
	Library     string // file name
	Product     Product
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

func newTexts(d *Data, name, product, plugin string) (*texts, error) {
	t := &texts{dir: d.dir, plugin: plugin, naming: Naming{
		Name:        name,
		Library:     d.Plugins[plugin].Library,
		Product:     d.Products[product],
		Directories: strings.Join(d.Products[product].Directories(), " "),
	}}
	steps, err := t.file(plugin, "next-steps")
	if err != nil {
		return nil, err
	}
	t.naming.NextSteps = strings.TrimRight(string(steps), "\n")
	stanzas, err := os.ReadFile(filepath.Join(d.dir, plugin, "copyright"))
	if err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("read the plugin's copyright: %w", err)
	}
	t.naming.Copyright = string(stanzas)
	return t, nil
}

// file fills in the template at path below the data folder. The rule of a
// text is as long as its first line.
func (t *texts) file(path ...string) ([]byte, error) {
	file := filepath.Join(append([]string{t.dir}, path...)...)
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
	return fill(file, string(data), n, filepath.Join(t.dir, "directories.sh"))
}

// fill fills in a template that is a value of plugin.yml.
func (t *texts) fill(name, text string) ([]byte, error) {
	return fill(name, text, t.naming, filepath.Join(t.dir, "directories.sh"))
}

func fill(name, text string, n Naming, shared string) ([]byte, error) {
	tpl, err := template.ParseFiles(shared)
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

package packages

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Data is what packaging/ says: what all packages share, the products and
// the plugins.
type Data struct {
	Vendor     string
	Maintainer string
	Homepage   string
	License    string
	Products   map[string]Product
	Plugins    map[string]Plugin `yaml:"-"`

	dir string
}

// Product is a program that plugins are packaged for.
type Product struct {
	Name    string // as its users call it
	Package string // the product's own package
	Folder  string // its own folder
	Plugins string // the folder below, which it loads plugins from
	Console string // where the administrator picks the antivirus
	Section string // Debian's section
	Group   string // rpm's group
}

// Plugin is one antivirus plugin. The text fields are templates of Naming.
type Plugin struct {
	Library     string // file name in each platform's folder of dist
	Summary     string // first words of the synopsis; the product's name follows
	Description string
	Suggests    struct{ Deb, RPM []string }
}

// Scripts carry these values without quotes.
var plain = regexp.MustCompile(`^[A-Za-z0-9/._-]+$`)

// Load reads the data folder. A key that means nothing is an error.
func Load(dir string) (*Data, error) {
	d := &Data{dir: dir, Plugins: map[string]Plugin{}}
	if err := decode(filepath.Join(dir, "packages.yml"), d); err != nil {
		return nil, err
	}
	for id, p := range d.Products {
		if !plain.MatchString(id+p.Package+p.Plugins) || !path.IsAbs(p.Plugins) || path.Clean(p.Plugins) != p.Plugins {
			return nil, fmt.Errorf("%s/packages.yml: product %s: its names and its clean absolute path may hold only letters, digits and /._-", dir, id)
		}
		if !strings.HasPrefix(p.Plugins, p.Folder+"/") || strings.Count(p.Folder, "/") < 2 {
			return nil, fmt.Errorf("%s/packages.yml: product %s: its folder %q must be one like /opt/product, with the plugins' below it", dir, id, p.Folder)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "plugin.yml"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		id := filepath.Base(filepath.Dir(file))
		var p Plugin
		if err := decode(file, &p); err != nil {
			return nil, err
		}
		if !plain.MatchString(id+p.Library) || path.Base(p.Library) != p.Library || !strings.HasPrefix(p.Library, "avir_") || path.Ext(p.Library) != ".so" {
			return nil, fmt.Errorf("%s: library %q must be a file name like avir_name.so", file, p.Library)
		}
		if strings.ToLower(id) != id {
			return nil, fmt.Errorf("%s: the folder's name is part of the packages' names: write it in small letters", file)
		}
		d.Plugins[id] = p
	}
	if len(d.Products) == 0 || len(d.Plugins) == 0 {
		return nil, fmt.Errorf("%s: names no product or no plugin", dir)
	}
	return d, nil
}

func decode(file string, to any) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the packages' data: %w", err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(to); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// Directories returns the product's folder of plugins and its parents below
// /opt, deepest first.
func (p Product) Directories() []string {
	var dirs []string
	for dir := p.Plugins; dir != "/" && dir != "/opt"; dir = path.Dir(dir) {
		dirs = append(dirs, dir)
	}
	return dirs
}

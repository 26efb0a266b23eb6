package install

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/systems/rootfs"
)

// pkg is one plugin for one product and one platform.
type pkg struct {
	name    string
	of      *platform.Platform
	product packages.Product
	plugin  packages.Plugin
}

// packages returns all plugins for all products, of one platform.
func (k *kit) packages(of *platform.Platform) []pkg {
	var list []pkg
	for _, product := range k.data.Products {
		for id, plugin := range k.data.Plugins {
			list = append(list, pkg{packages.PackageName(product, id), of, product, plugin})
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].name < list[j].name })
	return list
}

// library is the path of the installed library.
func (p pkg) library() string { return p.product.Plugins + "/" + p.plugin.Library }

// kept is where a file that was in the library's place before is kept.
func (p pkg) kept() string {
	return filepath.Dir(p.product.Plugins) + "/" + p.plugin.Library + ".before-" + p.name
}

// other is the package of the other width.
func (p pkg) other() pkg {
	p.of = p.of.Other()
	return p
}

// deb and rpm return the file names of a version's packages.
func (p pkg) deb(v packages.Version) string {
	deb, _ := packages.FileNames(p.name, v, p.of)
	return deb
}

func (p pkg) rpm(v packages.Version) string {
	_, rpm := packages.FileNames(p.name, v, p.of)
	return rpm
}

// built is the library that the package of a release was made of.
func (p pkg) built(from release) string { return filepath.Join(from.dist, p.of.Name, p.plugin.Library) }

// installed checks that the library in the tree is that of a release.
func (p pkg) installed(r rootfs.Root, from release) error {
	want, err := digest(p.built(from))
	if err != nil {
		return err
	}
	got, err := digest(r.Path(p.library()))
	if err != nil {
		return err
	}
	if want != got {
		return fmt.Errorf("%s is not the %d-bit library of version %s", p.library(), p.of.Bits(), from.version)
	}
	return nil
}

func digest(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read a library: %w", err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(data)), nil
}

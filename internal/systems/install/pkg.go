package install

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/systems/rootfs"
)

// pkg is one plugin for one product.
type pkg struct {
	name    string
	product packages.Product
	plugin  packages.Plugin
}

// packages returns all four, or one of the clam packages if the test is to be
// quick.
func (k *kit) packages() []pkg {
	var list []pkg
	for _, product := range k.data.Products {
		for id, plugin := range k.data.Plugins {
			list = append(list, pkg{product.Package + "-avir-" + id, product, plugin})
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].name < list[j].name })
	return list
}

// library is the path of the installed library.
func (p pkg) library() string { return p.product.Plugins + "/" + p.plugin.Library }

// deb and rpm return the file names of a version's packages.
func (p pkg) deb(v packages.Version, arch string) string {
	return fmt.Sprintf("%s_%s_%s.deb", p.name, v.Deb(), arch)
}

func (p pkg) rpm(v packages.Version) string {
	version, release := v.RPM()
	return fmt.Sprintf("%s-%s-%s.i686.rpm", p.name, version, release)
}

// installed checks that the library in the tree is that of a release.
func (p pkg) installed(r rootfs.Root, from release) error {
	want, err := digest(filepath.Join(from.dist, "linux-386", p.plugin.Library))
	if err != nil {
		return err
	}
	got, err := digest(r.Path(p.library()))
	if err != nil {
		return err
	}
	if want != got {
		return fmt.Errorf("%s is not the library of version %s", p.library(), from.version)
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

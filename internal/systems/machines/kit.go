package machines

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/systems/rootfs"
	"github.com/avirkit/avirkit/internal/systems/session"
	"github.com/avirkit/avirkit/internal/systems/settings"
)

// kit is what the machines get to test, and what tests it.
type kit struct {
	data     *packages.Data
	new, old packages.Version
	dist     string // holds a folder for each platform
	made     string // holds the packages of both versions and productsFile
}

// Names in the kit, below the folder that a machine unpacks it in.
const (
	newPackages  = "packages"
	oldPackages  = "old-packages"
	productsFile = "products.tar" // the products' trees
)

// makeKit builds and packages it.
func makeKit(ctx context.Context, root string, s *session.Session) (kit, error) {
	if _, err := build.Run(ctx, build.Options{Root: root, Toolchain: os.Getenv("AVIR_TOOLCHAIN")}); err != nil {
		return kit{}, err
	}
	o, err := packages.FromEnvironment(ctx, root)
	if err != nil {
		return kit{}, err
	}
	k := kit{new: o.Version, old: o.Version.Older(), dist: o.Dist, made: s.Dir}
	if k.data, err = packages.Load(o.Data); err != nil {
		return kit{}, err
	}
	products, err := os.Create(filepath.Join(k.made, productsFile))
	if err != nil {
		return kit{}, err
	}
	defer products.Close()
	if err := rootfs.WriteProducts(products); err != nil {
		return kit{}, err
	}
	return k, run.Step(ctx, "packages", nil, func(ctx context.Context) (string, error) {
		o.Out = filepath.Join(k.made, newPackages)
		if err := packages.Build(ctx, o); err != nil {
			return "", err
		}
		o.Version, o.Out = k.old, filepath.Join(k.made, oldPackages)
		return fmt.Sprintf("%s, and %s to upgrade from", k.new, k.old), packages.Build(ctx, o)
	})
}

// pack writes what a machine needs of the kit as a tar file: the packages of
// its kind, the programs of its platform, and for a 64-bit system the 32-bit
// plugins with their host, too.
func (k kit) pack(ctx context.Context, file string, m *settings.Machine) error {
	other := map[string]string{"deb": "rpm", "rpm": "deb"}[m.Packages]
	args := []string{"-cf", file, "--exclude=*." + other, "-C", k.made, newPackages, oldPackages, productsFile, "-C", k.dist}
	for _, p := range m.For().Runnable() {
		args = append(args, p.Name)
	}
	_, err := run.Command{Name: "tar", Args: args}.Run(ctx)
	return err
}

package machines

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/systems/rootfs"
	"github.com/avirkit/avirkit/internal/systems/session"
	"github.com/avirkit/avirkit/internal/systems/settings"
)

// kit is what the machines get to test, and what tests it.
type kit struct {
	root     string
	data     *packages.Data
	new, old packages.Version
	dirs     map[string]string // of the packages: "new" and "old"
}

// makeKit builds and packages it.
func makeKit(ctx context.Context, root string, s *session.Session) (kit, error) {
	if _, err := build.Run(ctx, build.Options{Root: root, Toolchain: os.Getenv("AVIR_TOOLCHAIN")}); err != nil {
		return kit{}, err
	}
	o, err := packages.FromEnvironment(ctx, root)
	if err != nil {
		return kit{}, err
	}
	k := kit{root: root, new: o.Version, old: o.Version.Older(), dirs: map[string]string{"new": o.Out, "old": s.Path("old-packages")}}
	if k.data, err = packages.Load(o.Data); err != nil {
		return kit{}, err
	}
	return k, run.Step(ctx, "packages", nil, func(ctx context.Context) (string, error) {
		if err := packages.Build(ctx, o); err != nil {
			return "", err
		}
		o.Version, o.Out = k.old, k.dirs["old"]
		return fmt.Sprintf("%s, and %s to upgrade from", k.new, k.old), packages.Build(ctx, o)
	})
}

// files returns what a machine gets, by its path there: the packages of its
// kind, the programs of its platform, and for a 64-bit system the 32-bit
// plugins with their host, too.
func (k kit) files(m *settings.Machine) (map[string]string, error) {
	some := map[string]string{}
	for version, dir := range k.dirs {
		found, err := filepath.Glob(filepath.Join(dir, "*."+m.Packages))
		if err != nil || len(found) == 0 {
			return nil, fmt.Errorf("no packages in %s: %w", dir, err)
		}
		for _, f := range found {
			some["packages/"+version+"/"+filepath.Base(f)] = f
		}
	}
	for _, p := range platforms(m) {
		found, err := filepath.Glob(filepath.Join(k.root, "dist", p.Name, "*"))
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			some[p.Name+"/"+filepath.Base(f)] = f
		}
	}
	return some, nil
}

// platforms are those that the machine's processor runs, its own one first.
func platforms(m *settings.Machine) []*platform.Platform {
	own := m.For()
	list := []*platform.Platform{own}
	for _, p := range platform.All {
		if p.Bits() < own.Bits() {
			list = append(list, p)
		}
	}
	return list
}

// productsFile is the tar file of the products' trees in the kit.
const productsFile = "products.tar"

// write writes a machine's files as a tar file.
func (k kit) write(to io.Writer, m *settings.Machine) error {
	files, err := k.files(m)
	if err != nil {
		return err
	}
	w := tar.NewWriter(to)
	var products bytes.Buffer
	if err := rootfs.WriteProducts(&products); err != nil {
		return err
	}
	if err := add(w, productsFile, 0o644, products.Bytes()); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		data, err := os.ReadFile(files[name])
		if err != nil {
			return fmt.Errorf("pack %s for the machine: %w", name, err)
		}
		mode := int64(0o644)
		if strings.HasPrefix(name, "linux-") {
			mode = 0o755
		}
		if err := add(w, name, mode, data); err != nil {
			return err
		}
	}
	return w.Close()
}

func add(w *tar.Writer, name string, mode int64, data []byte) error {
	err := w.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(data)), ModTime: time.Now()})
	if err == nil {
		_, err = w.Write(data)
	}
	if err != nil {
		return fmt.Errorf("pack %s for the machine: %w", name, err)
	}
	return nil
}

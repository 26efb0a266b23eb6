package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
	"github.com/goreleaser/nfpm/v2/rpm"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/systems/rootfs"
)

// makeProducts makes the products' trees, p's product with a server of a
// platform.
func (k *kit) makeProducts(ctx context.Context, r rootfs.Root, p pkg, of *platform.Platform) error {
	if err := r.MakeProducts(ctx); err != nil {
		return err
	}
	return k.writeServer(r, p, of)
}

func (k *kit) writeServer(r rootfs.Root, p pkg, of *platform.Platform) error {
	path := r.Path(filepath.Dir(p.product.Plugins) + "/avserver")
	if err := atomicdir.CopyFile(path, k.hostProgram(of), 0o750); err != nil {
		return err
	}
	return os.Chtimes(path, k.epoch, k.epoch)
}

// productLater installs the product after the package: what the product brings
// then stays when the package is removed.
func (k *kit) productLater(ctx context.Context, m manager, p pkg) (err error) {
	if _, err := m.install(ctx, k.current, p); err != nil {
		return err
	}
	if err := k.makeProducts(ctx, m.tree(), p, p.of); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.tree().RemoveProducts()) }()
	with, err := take(m.tree().Dir)
	if err != nil {
		return err
	}
	paths, err := ours(ctx, m, p)
	if err != nil {
		return err
	}
	for _, path := range append(paths, "/var/lib/avirkit", "/var/lib/avirkit/"+p.name+".dirs") {
		delete(with, path)
	}
	return k.checkRemoval(ctx, m, p, with)
}

// ownOriginal puts a file that belongs to no package into the product's folder,
// under the library's name. Whatever is done with p, the file must come back, byte
// for byte and with its mode, owner and time.
func (k *kit) ownOriginal(ctx context.Context, m manager, p pkg, without snapshot) error {
	tree := m.tree()
	file := tree.Path(p.library())
	if err := k.folderInTheWay(ctx, m, p, without); err != nil {
		return err
	}
	if err := tree.Write(p.library(), "the administrator's own", 0o600); err != nil {
		return err
	}
	// Not through os.FileMode, which has setuid elsewhere.
	if err := errors.Join(os.Chown(file, 1203, 1204), syscall.Chmod(file, 0o4751)); err != nil {
		return fmt.Errorf("make the administrator's plugin: %w", err)
	}
	before, err := take(tree.Dir)
	if err != nil {
		return err
	}
	if err := k.failedInstall(ctx, m, p, before); err != nil {
		return err
	}
	out, err := m.install(ctx, k.old, p)
	if err != nil {
		return err
	}
	line := fmt.Sprintf("%s: keeps the %s that is here as %s until this package is removed\n", p.name, p.library(), p.kept())
	if strings.Count(out, line) != 1 {
		return fmt.Errorf("the install does not say in one line what it keeps:\n%s", out)
	}
	if err := k.inTurn(ctx, m, p, func() error { return keptAs(tree, p, before[p.library()]) },
		step{"first install", func() error { return nil }, k.old},
		step{"upgrade", func() error { _, err := m.fetch(ctx, p); return err }, k.current},
		step{"reinstall", func() error { _, err := m.reinstall(ctx, p); return err }, k.current},
		step{"upgrade that fails", func() error { return k.fails(ctx, m, p) }, k.current},
		step{"downgrade", func() error { return m.downgrade(ctx, k.old, p) }, k.old},
	); err != nil {
		return err
	}
	return k.checkRemoval(ctx, m, p, before)
}

// folderInTheWay makes a folder with the library's name. It can't be kept aside
// and put back as a file can: the package must be refused, and leave nothing.
func (k *kit) folderInTheWay(ctx context.Context, m manager, p pkg, without snapshot) error {
	folder := m.tree().Path(p.library())
	if err := os.Mkdir(folder, 0o755); err != nil {
		return fmt.Errorf("make a folder that is in the way: %w", err)
	}
	if _, err := m.install(ctx, k.current, p); err == nil || !strings.Contains(err.Error(), "is in the way: it is a folder") {
		return fmt.Errorf("a folder in the library's place is not told of: %w", err)
	}
	if err := m.purge(ctx, p); err != nil {
		return err
	}
	return errors.Join(unchanged(m.tree().Dir, without, p.library()), os.Remove(folder))
}

// keptAs checks that the kept file looks as a snapshot's line says.
func keptAs(r rootfs.Root, p pkg, line string) error {
	now, err := take(r.Dir)
	if err == nil && now[p.kept()] != line {
		err = fmt.Errorf("%s is %q, and was %q", p.kept(), now[p.kept()], line)
	}
	return err
}

// productPackage makes a package of the product that brings a plugin of the
// library's name.
func (k *kit) productPackage(p pkg, version string, format nfpm.Packager) (path string, err error) {
	source := filepath.Join(k.dir, "product", version)
	if err := atomicdir.WriteFile(source, []byte("the product's, of version "+version), 0o644); err != nil {
		return "", err
	}
	info := nfpm.WithDefaults(&nfpm.Info{
		Name: p.product.Package, Version: version, VersionSchema: "none", Arch: p.of.GOARCH, Maintainer: "test <test@example.org>", Description: "the product",
		Overridables: nfpm.Overridables{Contents: files.Contents{{
			Source: source, Destination: p.library(), FileInfo: &files.ContentFileInfo{Mode: 0o755, Owner: "root", Group: "root"},
		}}},
	})
	info.Deb.Compression, info.RPM.Compression = "gzip", "gzip"
	var b bytes.Buffer
	if err := format.Package(info, &b); err != nil {
		return "", fmt.Errorf("make the product's package: %w", err)
	}
	path = filepath.Join(k.dir, "product", format.ConventionalFileName(info))
	return path, atomicdir.WriteFile(path, b.Bytes(), 0o644)
}

// packagedOriginal lets the product's own Debian package bring a plugin of the
// library's name, in two versions, before and after ours is installed.
func (k *kit) packagedOriginal(ctx context.Context, a *apt, p pkg) error {
	empty, err := take(a.Dir)
	if err != nil {
		return err
	}
	product := func(version string) error {
		path, err := k.productPackage(p, version, deb.Default)
		if err != nil {
			return err
		}
		err = atomicdir.CopyFile(a.Path(bench+"/product.deb"), path, 0o644)
		if err == nil {
			_, err = a.Run(ctx, "dpkg", "-i", bench+"/product.deb")
		}
		return err
	}
	there := func(path, version string) error {
		text, err := os.ReadFile(a.Path(path))
		if err == nil && string(text) != "the product's, of version "+version {
			err = fmt.Errorf("%s is not the product's file of version %s", path, version)
		}
		return err
	}
	do := func(steps ...func() error) error {
		for i, step := range steps {
			if err := step(); err != nil {
				return fmt.Errorf("step %d: %w", i+1, err)
			}
		}
		return nil
	}
	// The product's package lists /opt, which dpkg then removes when it is empty.
	productGone := func() error {
		_, err := a.get(ctx, "purge", p.product.Package)
		return errors.Join(err, os.MkdirAll(a.Path("opt"), 0o755), unchanged(a.Dir, empty))
	}
	ours := func(from release) func() error {
		return func() error {
			_, err := a.install(ctx, from, p)
			return err
		}
	}
	is := func(version string, from release) func() error {
		return func() error { return errors.Join(k.works(ctx, a, p, from), there(p.kept(), version)) }
	}
	if err := do(
		func() error { return product("1.0") }, ours(k.old), is("1.0", k.old),
		func() error { return product("2.0") }, is("2.0", k.old), ours(k.current), is("2.0", k.current),
		func() error { return a.remove(ctx, p) }, func() error { return there(p.library(), "2.0") },
		func() error { return a.purge(ctx, p) }, func() error { return there(p.library(), "2.0") },
		productGone,
	); err != nil {
		return fmt.Errorf("the product before the package: %w", err)
	}
	if err := do(
		ours(k.old), func() error { return product("1.0") }, is("1.0", k.old),
		ours(k.current), func() error { return product("2.0") }, is("2.0", k.current),
		func() error { return a.downgrade(ctx, k.old, p) }, is("2.0", k.old),
		func() error { return a.purge(ctx, p) }, func() error { return there(p.library(), "2.0") },
		productGone,
	); err != nil {
		return fmt.Errorf("the package before the product: %w", err)
	}
	return nil
}

// ownedOriginal lets the product's RPM package own a plugin of the library's
// name. rpm then refuses ours, and nothing changes: it has no diversions.
func (k *kit) ownedOriginal(ctx context.Context, m *rpmManager, p pkg) error {
	path, err := k.productPackage(p, "1.0", rpm.DefaultRPM)
	if err != nil {
		return err
	}
	if _, err := m.rpm(ctx, "--nosignature", "-U", path); err != nil {
		return err
	}
	before, err := take(m.Dir)
	if err != nil {
		return err
	}
	if _, err := m.install(ctx, k.current, p); err == nil || !strings.Contains(err.Error(), "conflicts with file from package") {
		return fmt.Errorf("rpm does not refuse to replace a file of the product's package: %v", err)
	}
	if err := unchanged(m.Dir, before); err != nil {
		return err
	}
	_, err = m.rpm(ctx, "-e", p.product.Package)
	return errors.Join(err, m.RemoveProducts())
}

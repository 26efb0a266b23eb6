package machines

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"path/filepath"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/rpm"

	"github.com/avirkit/avirkit/internal/packages"
)

// addRPM copies the base system and installs rpm in it. rpm's database knows
// nothing of Debian's files: a package without files tells it what the
// system's own C library, shell and tools provide, so that packages install without
// --nodeps as they would on a system of rpm's own.
func (m *maker) addRPM(ctx context.Context, base, t tree) error {
	if _, err := m.run.command("cp", "-a", base.dir, t.dir).Run(ctx); err != nil {
		return err
	}
	if err := t.install(ctx, "rpm"); err != nil {
		return err
	}
	provides, err := t.provides()
	if err != nil {
		return err
	}
	content, err := providesPackage(provides)
	if err != nil {
		return err
	}
	const stub = "root/debian-libc.rpm"
	if err := t.write(stub, string(content), 0o644); err != nil {
		return err
	}
	_, err = t.in(ctx, "rpm", "--force-debian", "-i", "/"+stub)
	return err
}

// glibcLibraries are those of glibc that a plugin can need.
var glibcLibraries = []string{"libc.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libm.so.6", "ld-linux.so.2"}

// provides lists in rpm's spelling what the tree's C library, shell and tools
// provide.
func (t tree) provides() ([]string, error) {
	provides := append([]string{"rtld(GNU_HASH)"}, packages.ScriptNeeds...)
	for _, name := range glibcLibraries {
		found, err := filepath.Glob(t.path("lib/i386-linux-gnu/" + name))
		if err != nil || len(found) != 1 {
			return nil, fmt.Errorf("the system in %s has no %s", t.dir, name)
		}
		f, err := elf.Open(found[0])
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", found[0], err)
		}
		versions, err := f.DynamicVersions()
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("read the versions of %s: %w", found[0], err)
		}
		provides = append(provides, name)
		for _, v := range versions {
			if v.Flags&elf.VER_FLG_BASE == 0 {
				provides = append(provides, fmt.Sprintf("%s(%s)", name, v.Name))
			}
		}
	}
	return provides, nil
}

// providesPackage makes an rpm that provides and holds nothing.
func providesPackage(provides []string) ([]byte, error) {
	info := nfpm.WithDefaults(&nfpm.Info{
		Name: "debian-libc", Arch: "386", Version: "1", Release: "1", VersionSchema: "none",
		Maintainer: "avirkit", Description: "tells rpm what Debian's C library, shell and tools provide", License: "none",
	})
	info.Provides = provides
	info.RPM.Arch = "i686"
	info.RPM.Compression = "gzip"
	info.RPM.BuildHost = "localhost"
	var b bytes.Buffer
	if err := rpm.DefaultRPM.Package(info, &b); err != nil {
		return nil, fmt.Errorf("make the package of Debian's C library: %w", err)
	}
	return b.Bytes(), nil
}

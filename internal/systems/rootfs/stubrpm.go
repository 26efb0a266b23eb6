package rootfs

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/rpm"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/packages"
)

// StubRPM makes a package that holds nothing and provides what the oldest
// supported glibc of the platforms does, with the shell and tools of the
// packages' scripts. It tells rpm's database, which knows nothing of a Debian
// system's files, that they are there: packages then install without --nodeps
// as on a system of rpm's own.
func StubRPM(platforms ...*platform.Platform) ([]byte, error) {
	info := nfpm.WithDefaults(&nfpm.Info{
		Name: "glibc", Version: "2.12", Release: "1", VersionSchema: "none", Arch: "all",
		Description: "stands for the system's glibc, shell and tools", License: "none", Maintainer: "avirkit",
	})
	info.Provides = append([]string{"rtld(GNU_HASH)"}, packages.ScriptNeeds...)
	for _, p := range platforms {
		info.Provides = append(info.Provides, glibcProvides(p)...)
	}
	info.RPM.Compression = "gzip"
	info.RPM.BuildHost = "localhost"
	var b bytes.Buffer
	if err := rpm.DefaultRPM.Package(info, &b); err != nil {
		return nil, fmt.Errorf("make the package that stands for glibc: %w", err)
	}
	return b.Bytes(), nil
}

// glibcProvides lists the libraries and their versions as rpm spells them:
// libc.so.6(GLIBC_2.2.5)(64bit), and libc.so.6()(64bit) for the library itself.
func glibcProvides(p *platform.Platform) []string {
	names := map[string]bool{}
	for _, library := range p.Glibc().Libraries {
		names[packages.RPMSoname(library.Soname, p)] = true
		for _, symbol := range library.Symbols {
			names[fmt.Sprintf("%s(%s)%s", library.Soname, symbol.Version, p.RPMMark)] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

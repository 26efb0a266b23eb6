package install

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/systems/rootfs"
)

// shell stands for /bin/sh in the install root: it writes down the scriptlet's
// first line and its argument, and runs it.
const shell = `#!/usr/bin/dash
read -r first <"$1"
echo "$2 $first" >>` + bench + `/calls
exec /usr/bin/dash "$@"
`

// newRPM makes a tree for rpm and dnf of this machine: a Debian that runs
// programs of both widths, with an empty database of rpm's. It tells rpm what
// the packages require of a system.
func newRPM(ctx context.Context, k *kit, of *platform.Platform, name string, t *table) (*rpmManager, error) {
	tree, err := bothWidths.Unpack(ctx, k.options.Root, filepath.Join(k.dir, name), t.preparing)
	if err != nil {
		return nil, err
	}
	// Written through the link, the shell would take dash's place.
	if err := os.Remove(tree.Path("usr/bin/sh")); err != nil {
		return nil, fmt.Errorf("put another shell into the install root: %w", err)
	}
	if err := tree.Write("usr/bin/sh", shell, 0o755); err != nil {
		return nil, err
	}
	if err := k.putHosts(tree); err != nil {
		return nil, err
	}
	m := &rpmManager{Root: tree, k: k, of: of, home: filepath.Join(k.dir, name+"-home")}
	// Debian's rpm keeps its database in the user's home.
	macros := "%_dbpath /var/lib/rpm\n%_pkgverify_level all\n"
	if err := atomicdir.WriteFile(filepath.Join(m.home, ".rpmmacros"), []byte(macros), 0o644); err != nil {
		return nil, err
	}
	if _, err := m.rpm(ctx, "--import", filepath.Join(k.dir, "good", "avirkit.asc")); err != nil {
		return nil, err
	}
	stub, err := rootfs.StubRPM(platform.All...)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(m.home, "glibc.rpm")
	if err := atomicdir.WriteFile(file, stub, 0o644); err != nil {
		return nil, err
	}
	_, err = m.rpm(ctx, "--nosignature", "-U", file)
	return m, err
}

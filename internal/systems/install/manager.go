package install

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/systems/rootfs"
)

// manager is a package manager at work in a tree.
type manager interface {
	tree() rootfs.Root

	// fetch installs the newest version of p by name, from the repository.
	// It names the platform of p only if that is not the system's own.
	fetch(ctx context.Context, p pkg) (output string, err error)

	// install installs packages from their files, or upgrades to them.
	install(ctx context.Context, from release, ps ...pkg) (output string, err error)

	// installWithoutStdio installs from a file without standard input and output.
	installWithoutStdio(ctx context.Context, from release, p pkg) error

	downgrade(ctx context.Context, to release, p pkg) error
	reinstall(ctx context.Context, p pkg) (output string, err error)
	remove(ctx context.Context, p pkg) error

	// shell runs a command that a package has printed.
	shell(ctx context.Context, command string) error

	// purge follows remove, where a removed package leaves something.
	purge(ctx context.Context, p pkg) error

	// verify compares what is installed with the package's digests.
	verify(ctx context.Context, p pkg) error

	// list returns the paths that the package lists.
	list(ctx context.Context, p pkg) ([]string, error)

	// calls returns the package's scripts that were called since the last call
	// of this function, with their arguments. wanted returns those that must be
	// called in an upgrade from old, or in a first install if old is nil.
	calls() ([]string, error)
	wanted(old *packages.Version, current packages.Version) []string
}

// called checks that the scripts were called in order, with the right
// arguments, and no other was.
func called(m manager, old *packages.Version, current packages.Version) error {
	got, err := m.calls()
	if err != nil {
		return err
	}
	if want := m.wanted(old, current); !slices.Equal(got, want) {
		return fmt.Errorf("the scripts were called as %q, not as %q", got, want)
	}
	return nil
}

// ours returns the paths that p adds to a system: the library and its
// documents, with their folders.
func ours(ctx context.Context, m manager, p pkg) ([]string, error) {
	listed, err := m.list(ctx, p)
	if err != nil {
		return nil, err
	}
	if slices.Contains(listed, p.product.Plugins) {
		return nil, fmt.Errorf("%s lists the product's folder %s", p.name, p.product.Plugins)
	}
	return slices.DeleteFunc(listed, func(path string) bool {
		// dpkg tells of diversions, too.
		return !strings.HasPrefix(path, "/") || !strings.Contains(path, p.name) && path != p.library() && path != "/usr/share/licenses"
	}), nil
}

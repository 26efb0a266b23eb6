package install

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/run"
)

// distribution is a Debian release to install the packages on.
type distribution struct {
	number, codename, arch string
	include                string // packages beside the minimal system
}

// distributions are those that the Debian archive still has: the oldest with
// its own apt, and today's. The amd64 ones are 64-bit systems with the 32-bit
// glibc as an ordinary package.
var distributions = []distribution{
	{number: "11", codename: "bullseye", arch: "i386"},
	{number: "12", codename: "bookworm", arch: "i386"},
	{number: "13", codename: "trixie", arch: "i386"},
	{number: "12", codename: "bookworm", arch: "amd64", include: "libc6-i386"},
	{number: "13", codename: "trixie", arch: "amd64", include: "libc6-i386"},
}

func (d distribution) name() string { return "Debian " + d.number + " " + d.arch }

// root is a system's file tree, and the way to run programs in it.
type root struct {
	dir string
	env []string
}

// run runs a program of the tree's in it, and returns its standard output.
// It has process ids of its own: what it leaves running ends with it. Nothing
// is mounted, the tree shares only the network and the kernel.
func (r root) run(ctx context.Context, name string, args ...string) (string, error) {
	return r.command(name, args...).Run(ctx)
}

func (r root) command(name string, args ...string) run.Command {
	return run.Command{
		Name: "unshare",
		Args: append([]string{"--pid", "--fork", "--kill-child", "chroot", r.dir, name}, args...),
		Env: append([]string{
			"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive",
			"http_proxy=", "no_proxy=*", "HOME=/root", "TMPDIR=/tmp",
		}, r.env...),
	}
}

func (r root) path(name string) string { return filepath.Join(r.dir, name) }

// make unpacks the distribution into dir, and fetches it first if the cache
// has none.
func (d distribution) make(ctx context.Context, t *table, cache, dir string) (root, error) {
	tarball := filepath.Join(cache, fmt.Sprintf("debian-%s-%s.tar", d.number, d.arch))
	if _, err := os.Stat(tarball); err != nil {
		t.preparing("fetching " + d.codename + " with debootstrap")
		if err := d.fetch(ctx, tarball); err != nil {
			return root{}, err
		}
	}
	t.preparing("unpacking " + tarball)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return root{}, fmt.Errorf("make the folder of %s: %w", d.name(), err)
	}
	_, err := run.Command{
		Name: "tar", Args: []string{"--numeric-owner", "-xpf", tarball, "-C", dir},
		Hint: "if the cached system is broken, delete " + tarball,
	}.Run(ctx)
	return root{dir: dir}, err
}

// fetch makes the cached tarball. debootstrap mounts /proc and more in the
// tree: it does so in mount and process namespaces of its own, which end with
// it, whatever happens.
func (d distribution) fetch(ctx context.Context, tarball string) error {
	from, err := hostdeps.Mirror(ctx)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(tarball), 0o755); err != nil {
		return fmt.Errorf("make the cache of chroots: %w", err)
	}
	tmp, err := runFolder(filepath.Dir(tarball), ".debootstrap-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	tree := filepath.Join(tmp, "root")
	args := []string{"--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private",
		"debootstrap", "--variant=minbase", "--arch=" + d.arch}
	if d.include != "" {
		args = append(args, "--include="+d.include)
	}
	_, err = run.Command{
		Name: "unshare", Args: append(args, d.codename, tree, from),
		Hint: "check the network, or set " + hostdeps.MirrorVariable + " to a mirror that has " + d.codename,
	}.Run(ctx)
	if err != nil {
		return d.explain(from, err)
	}
	packed := filepath.Join(tmp, "tar")
	_, err = run.Command{Name: "tar", Args: []string{
		"--numeric-owner", "-cpf", packed, "-C", tree,
		"--exclude=./var/cache/apt/archives/*.deb", "--exclude=./var/lib/apt/lists/*_*",
		"--exclude=./proc/*", "--exclude=./sys/*", ".",
	}}.Run(ctx)
	if err != nil {
		return err
	}
	if err := os.Rename(packed, tarball); err != nil {
		return fmt.Errorf("keep the chroot: %w", err)
	}
	return nil
}

// explain replaces pages of retries by the reason, where it is known.
func (d distribution) explain(mirror string, err error) error {
	if strings.Contains(err.Error(), "Packages.gz was corrupt") {
		return fmt.Errorf("%s (%s) can't be fetched: the mirror's index does not match its Release file at %s; try again later, or set %s to another mirror",
			d.name(), d.codename, mirror, hostdeps.MirrorVariable)
	}
	return err
}

package rootfs

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/run"
)

// tools are the Debian packages that fetching a system needs.
var tools = []string{"mmdebstrap", "debian-archive-keyring", "util-linux"}

// Debian is a release of Debian with some packages beside the minimal system.
type Debian struct {
	Number, Codename, Arch string
	Include                []string
}

// Name is what a person calls it.
func (d Debian) Name() string { return "Debian " + d.Number + " " + d.Arch }

// Tarball is where the fetched system stays. Another choice of packages has
// another name.
func (d Debian) Tarball(root string) string {
	choice := sha256.Sum256([]byte(strings.Join(append(d.Include, settings...), "\n")))
	return filepath.Join(root, ".cache", "rootfs", fmt.Sprintf("debian-%s-%s-%x.tar", d.Number, d.Arch, choice[:4]))
}

// Unpack makes the system's tree in the new folder dir, which must be a
// session's, as what is left of a failure beside it is removed with that. It
// fetches the system first if the cache of the checkout root has none; say,
// unless it is nil, is told what happens.
func (d Debian) Unpack(ctx context.Context, root, dir string, say func(string)) (Root, error) {
	if say == nil {
		say = func(string) {}
	}
	tarball := d.Tarball(root)
	if _, err := os.Stat(tarball); err != nil {
		say("fetching " + d.Codename + " with mmdebstrap")
		if err := d.fetch(ctx, tarball, dir+".new"); err != nil {
			return Root{}, err
		}
	}
	say("unpacking " + tarball)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Root{}, fmt.Errorf("make the folder of %s: %w", d.Name(), err)
	}
	_, err := run.Command{
		Name: "tar", Args: []string{"--numeric-owner", "-xpf", tarball, "-C", dir},
		Hint: "if the cached system is broken, delete " + tarball,
	}.Run(ctx)
	return Root{Dir: dir}, err
}

// settings keep out of a system what no test reads, and save the time in
// which dpkg waits for the disk after each file: only a power cut needs that.
var settings = []string{
	"--dpkgopt=force-unsafe-io", "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
	"--dpkgopt=path-exclude=/usr/share/locale/*", "--dpkgopt=path-exclude=/usr/share/info/*",
	// The finished system must not know of these settings, nor of the proxy.
	`--customize-hook=rm -f "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap "$1"/etc/apt/apt.conf.d/99mmdebstrap`,
}

// fetch makes the cached tarball, with the new folder tmp for what it needs
// meanwhile. This machine's apt fetches the packages and
// refuses a mirror that Debian's keys did not sign.
func (d Debian) fetch(ctx context.Context, tarball, tmp string) error {
	if os.Geteuid() != 0 {
		return errors.New("making a Debian system needs root, for chroots: run it as root, or in a container as its root")
	}
	if err := hostdeps.Need(ctx, tools...); err != nil {
		return err
	}
	mirror, err := hostdeps.Mirror(ctx)
	if err != nil {
		return err
	}
	proxy, err := aptProxy(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(tarball), 0o755), os.MkdirAll(tmp, 0o755)); err != nil {
		return fmt.Errorf("make the cache of systems: %w", err)
	}
	defer os.RemoveAll(tmp)
	made := filepath.Join(tmp, "system.tar")
	args := append([]string{
		"mmdebstrap", "--mode=root", "--variant=minbase", "--architectures=" + d.Arch,
		// A kernel for amd64 runs i386, too; mmdebstrap would want a package to know that.
		"--skip=check/qemu",
	}, settings...)
	if proxy != "" {
		args = append(args, "--aptopt="+proxy)
	}
	if len(d.Include) > 0 {
		args = append(args, "--include="+strings.Join(d.Include, ","))
	}
	// INITRD=No spares a minute: who boots the system makes a smaller RAM disk.
	c := isolated([]string{"TMPDIR=" + tmp, "INITRD=No"}, "--mount-proc", append(args, d.Codename, made, mirror)...)
	c.Hint = "check the network, or set " + hostdeps.MirrorVariable + " to a mirror that has " + d.Codename + " for " + d.Arch
	if _, err := c.Run(ctx); err != nil {
		return d.explain(mirror, err)
	}
	if err := os.Rename(made, tarball); err != nil {
		return fmt.Errorf("keep the system: %w", err)
	}
	return nil
}

// aptProxy returns what this machine's apt is configured to use of proxies, in
// apt's own spelling: mmdebstrap takes nothing of this machine's settings.
func aptProxy(ctx context.Context) (string, error) {
	out, err := run.Command{Name: "apt-config", Args: []string{"dump", "--format", `%f "%v"; `, "Acquire::http", "Acquire::https"}}.Run(ctx)
	if err != nil {
		return "", fmt.Errorf("ask apt for its proxy: %w", err)
	}
	for _, scheme := range []string{"http", "https"} {
		if url := os.Getenv(scheme + "_proxy"); url != "" {
			out += fmt.Sprintf(`Acquire::%s::Proxy "%s"; `, scheme, url)
		}
	}
	return out, nil
}

// ErrStaleMirror is the reason where Debian's mirror is at fault.
var ErrStaleMirror = errors.New("the mirror's index does not match its Release file")

// explain replaces pages of retries by the reason, where it is known.
func (d Debian) explain(mirror string, err error) error {
	if strings.Contains(err.Error(), "File has unexpected size") || strings.Contains(err.Error(), "Hash Sum mismatch") {
		return fmt.Errorf("%s (%s) can't be fetched: %w at %s; try again later, or set %s to another mirror",
			d.Name(), d.Codename, ErrStaleMirror, mirror, hostdeps.MirrorVariable)
	}
	return err
}

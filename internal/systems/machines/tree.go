package machines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/run"
)

// release is a Debian release that boxes are made of.
type release struct {
	number, codename string
	kernel           string // package that depends on the newest i386 kernel
}

func (r release) system() string { return "Debian " + r.number + " i386" }

// releases are those with an i386 kernel that Debian's mirrors still serve,
// the oldest first.
var releases = []release{
	{number: "11", codename: "bullseye", kernel: "linux-image-686"},
	{number: "12", codename: "bookworm", kernel: "linux-image-686"},
}

// boxPackages are what a box holds beside the minimal system. There is no
// udev: the initial RAM disk loads the few modules that a machine needs.
var boxPackages = []string{"openssh-server", "sudo", "busybox-static", "iproute2", "procps"}

// smaller keeps out of a box what nobody reads there, and doesn't wait for
// the disk after each file: an interrupted box is made anew anyway.
const smaller = `force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/info/*
`

const smallerFile = "etc/dpkg/dpkg.cfg.d/avirkit-box"

// tree is the files of a system below a folder, and the run that makes them.
type tree struct {
	dir string
	run *session
}

func (t tree) path(name string) string { return filepath.Join(t.dir, name) }

// isolated returns a command that runs in mount and process namespaces of its
// own, so that no mount and no process of it stays behind.
func (s *session) isolated(name string, args ...string) run.Command {
	c := s.command("unshare", append([]string{"--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private", name}, args...)...)
	c.Env = append(c.Env, "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin")
	return c
}

// in runs a program of the tree's in it.
func (t tree) in(ctx context.Context, name string, args ...string) (string, error) {
	return t.run.isolated("chroot", append([]string{t.dir, name}, args...)...).Run(ctx)
}

// bootstrap fetches the release into t with debootstrap, whose output goes
// also to progress.
func (t tree) bootstrap(ctx context.Context, r release, mirror string, progress io.Writer) error {
	if err := t.write(smallerFile, smaller, 0o644); err != nil {
		return err
	}
	c := t.run.isolated("debootstrap", "--arch=i386", "--variant=minbase",
		"--include="+strings.Join(boxPackages, ","), r.codename, t.dir, mirror)
	c.Env = append(c.Env, aptProxy(ctx)...)
	c.Stdout = progress
	c.Hint = "check the network, or set " + hostdeps.MirrorVariable + " to a mirror that has " + r.codename + " for i386"
	_, err := c.Run(ctx)
	return err
}

// apt runs apt-get in the tree.
func (t tree) apt(ctx context.Context, args ...string) error {
	c := t.run.isolated("chroot", append([]string{t.dir, "apt-get"}, args...)...)
	c.Env = append(c.Env, aptProxy(ctx)...)
	_, err := c.Run(ctx)
	return err
}

// aptProxy tells debootstrap, and the apt of a tree, the proxy that this
// machine's apt is configured to use.
func aptProxy(ctx context.Context) []string {
	out, err := exec.CommandContext(ctx, "apt-config", "shell", "proxy", "Acquire::http::Proxy").Output()
	_, value, found := strings.Cut(strings.TrimSpace(string(out)), "=")
	value = strings.Trim(value, "'")
	if err != nil || !found || value == "" || value == "DIRECT" {
		return nil
	}
	return []string{"http_proxy=" + value}
}

// fetch downloads packages into the tree, with what they depend on.
func (t tree) fetch(ctx context.Context, packages ...string) error {
	return t.apt(ctx, append([]string{"install", "-y", "--no-install-recommends", "--download-only"}, packages...)...)
}

// archive returns the path of the one downloaded package that matches.
func (t tree) archive(pattern string) (string, error) {
	found, err := filepath.Glob(t.path("var/cache/apt/archives/" + pattern))
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("expected one package %s in %s, found %d", pattern, t.dir, len(found))
	}
	return found[0], nil
}

// install installs packages from the mirror in the tree. Services don't start.
func (t tree) install(ctx context.Context, packages ...string) error {
	policy := "usr/sbin/policy-rc.d"
	if err := t.write(policy, "#!/bin/sh\nexit 101\n", 0o755); err != nil {
		return err
	}
	err := t.apt(ctx, append([]string{"install", "-y", "--no-install-recommends"}, packages...)...)
	return errors.Join(err, os.Remove(t.path(policy)))
}

// tidy removes what only the making of the tree needed.
func (t tree) tidy() error {
	for _, pattern := range []string{
		smallerFile, "var/cache/apt/*.bin", "var/cache/apt/archives/*.deb", "var/lib/apt/lists/*_*",
		"var/log/*.log", "var/log/apt/*", "var/cache/debconf/*-old", "debootstrap",
	} {
		found, err := filepath.Glob(t.path(pattern))
		if err != nil {
			return err
		}
		for _, path := range found {
			if err := os.RemoveAll(path); err != nil {
				return fmt.Errorf("tidy the system: %w", err)
			}
		}
	}
	return nil
}

// write writes a file of the tree, with exactly this mode.
func (t tree) write(name, content string, mode os.FileMode) error {
	path := t.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make the folder of %s: %w", name, err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		return fmt.Errorf("write a file of the system: %w", err)
	}
	return os.Chmod(path, mode)
}

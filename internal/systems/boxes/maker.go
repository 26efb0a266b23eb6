package boxes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/systems/rootfs"
)

// maker makes one box.
type maker struct {
	*box
	root string // the checkout
	dir  string // for what is made on the way
	now  atomic.Value
	tree rootfs.Root
}

func (m *maker) say(what string) { m.now.Store(what) }

func (m *maker) progress() string {
	what, _ := m.now.Load().(string)
	return what
}

func (m *maker) make(ctx context.Context) error {
	var err error
	if m.tree, err = m.Unpack(ctx, m.root, m.dir, m.say); err != nil {
		return err
	}
	m.say("furnishing the system")
	if err := errors.Join(m.writeFiles(), m.addUser(ctx)); err != nil {
		return err
	}
	if slices.Contains(m.Include, "rpm") {
		if err := m.addRPM(ctx); err != nil {
			return err
		}
	}
	m.say("packing the box")
	return m.pack(ctx)
}

// files are the parts of vagrant/box that go into the system.
var files = []struct {
	name, to string
	mode     os.FileMode
}{
	{"boot", "etc/box/boot", 0o755},
	{"lease", "etc/box/lease", 0o755},
	{"inittab", "etc/inittab", 0o644},
	{"shutdown", "sbin/shutdown", 0o755},
	{"vagrant.pub", "home/vagrant/.ssh/authorized_keys", 0o600},
}

// texts are files that are only a line.
var texts = []struct {
	to, text string
	mode     os.FileMode
}{
	{"etc/hostname", "avirkit\n", 0o644},
	{"etc/hosts", "127.0.0.1 localhost avirkit\n", 0o644},
	{"etc/fstab", "/dev/vda / ext4 defaults,noatime 0 0\n", 0o644},
	{"etc/sudoers.d/vagrant", "vagrant ALL=(ALL) NOPASSWD: ALL\n", 0o440},
	{"etc/resolv.conf", "", 0o644},
	{"etc/apt/sources.list", "# this machine has no network\n", 0o644},
	{"etc/initramfs-tools/conf.d/box", "MODULES=list\nRESUME=none\n", 0o644},
	{"etc/initramfs-tools/modules", modules, 0o644},
}

// modules are what a machine needs to find its disk and its network. The
// initial RAM disk loads them: the system itself has no udev running.
const modules = "virtio_pci\nvirtio_blk\nvirtio_net\next4\n"

func (m *maker) writeFiles() error {
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(m.root, "vagrant", "box", f.name))
		if err != nil {
			return fmt.Errorf("read a part of the box: %w", err)
		}
		if err := m.tree.Write(f.to, string(data), f.mode); err != nil {
			return err
		}
	}
	for _, f := range texts {
		if err := m.tree.Write(f.to, f.text, f.mode); err != nil {
			return err
		}
	}
	// busybox is the first program: it needs fewer seconds of an emulated
	// processor than any other init.
	if err := os.Symlink("/bin/busybox", m.tree.Path("sbin/init")); err != nil {
		return fmt.Errorf("set the system's first program: %w", err)
	}
	return os.Chmod(m.tree.Path("home/vagrant/.ssh"), 0o700)
}

func (m *maker) addUser(ctx context.Context) error {
	_, err := m.tree.Run(ctx, "useradd", "--no-create-home", "--shell", "/bin/bash", "vagrant")
	if err != nil {
		return err
	}
	_, err = m.tree.Run(ctx, "chown", "-R", "vagrant:vagrant", "/home/vagrant")
	return err
}

// addRPM tells rpm of the C library, shell and tools that are Debian's. Those
// for 32-bit programs are there wherever the system has them.
func (m *maker) addRPM(ctx context.Context) error {
	platforms := slices.DeleteFunc(slices.Clone(platform.All), func(p *platform.Platform) bool { return !m.tree.Runs(p) })
	stub, err := rootfs.StubRPM(platforms...)
	if err != nil {
		return err
	}
	if err := m.tree.Write("root/glibc.rpm", string(stub), 0o644); err != nil {
		return err
	}
	_, err = m.tree.Run(ctx, "rpm", "--force-debian", "-i", "/root/glibc.rpm")
	return err
}

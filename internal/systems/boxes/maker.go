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

// files are what goes into the system: a part of vagrant/box, or a text of a
// line or two.
var files = []struct {
	to         string
	mode       os.FileMode
	part, text string
}{
	{to: "etc/box/boot", mode: 0o755, part: "boot"},
	{to: "etc/box/lease", mode: 0o755, part: "lease"},
	{to: "etc/inittab", mode: 0o644, part: "inittab"},
	{to: "sbin/shutdown", mode: 0o755, part: "shutdown"},
	{to: "home/vagrant/.ssh/authorized_keys", mode: 0o600, part: "vagrant.pub"},
	{to: "etc/hostname", mode: 0o644, text: "avirkit\n"},
	{to: "etc/hosts", mode: 0o644, text: "127.0.0.1 localhost avirkit\n"},
	{to: "etc/fstab", mode: 0o644, text: "/dev/vda / ext4 defaults,noatime 0 0\n"},
	{to: "etc/sudoers.d/vagrant", mode: 0o440, text: "vagrant ALL=(ALL) NOPASSWD: ALL\n"},
	{to: "etc/resolv.conf", mode: 0o644},
	{to: "etc/apt/sources.list", mode: 0o644, text: "# this machine has no network\n"},
	{to: "etc/initramfs-tools/conf.d/box", mode: 0o644, text: "MODULES=list\nRESUME=none\n"},
	// What a machine needs to find its disk and its network. The initial RAM
	// disk loads it: the system itself has no udev running.
	{to: "etc/initramfs-tools/modules", mode: 0o644, text: "virtio_pci\nvirtio_blk\nvirtio_net\next4\n"},
}

func (m *maker) writeFiles() error {
	for _, f := range files {
		text := f.text
		if f.part != "" {
			data, err := os.ReadFile(filepath.Join(m.root, "vagrant", "box", f.part))
			if err != nil {
				return fmt.Errorf("read a part of the box: %w", err)
			}
			text = string(data)
		}
		if err := m.tree.Write(f.to, text, f.mode); err != nil {
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

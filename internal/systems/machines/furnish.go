package machines

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// furnish adds what Vagrant expects of a box, and the few files of its boot.
func (m *maker) furnish(ctx context.Context, t tree, s boxSpec) error {
	if _, err := t.in(ctx, "useradd", "--create-home", "--shell", "/bin/bash", "vagrant"); err != nil {
		return err
	}
	for name, to := range map[string]struct {
		path string
		mode os.FileMode
	}{
		"boot":        {"etc/box/boot", 0o755},
		"lease":       {"etc/box/lease", 0o755},
		"inittab":     {"etc/inittab", 0o644},
		"shutdown":    {"sbin/shutdown", 0o755},
		"vagrant.pub": {"home/vagrant/.ssh/authorized_keys", 0o600},
	} {
		data, err := os.ReadFile(filepath.Join(m.data, name))
		if err != nil {
			return fmt.Errorf("read a part of the box: %w", err)
		}
		if err := t.write(to.path, string(data), to.mode); err != nil {
			return err
		}
	}
	for path, text := range map[string]string{
		"etc/hostname":          s.name + "\n",
		"etc/fstab":             "/dev/vda / ext4 defaults,noatime 0 0\n",
		"etc/sudoers.d/vagrant": "vagrant ALL=(ALL) NOPASSWD: ALL\n",
		"etc/hosts":             "127.0.0.1 localhost " + s.name + "\n",
		"etc/resolv.conf":       "",
		"etc/apt/sources.list":  "# this machine has no network\n",
	} {
		mode := os.FileMode(0o644)
		if strings.Contains(path, "sudoers") {
			mode = 0o440
		}
		if err := t.write(path, text, mode); err != nil {
			return err
		}
	}
	if err := os.Chmod(t.path("home/vagrant/.ssh"), 0o700); err != nil {
		return err
	}
	_, err := t.in(ctx, "chown", "-R", "vagrant:vagrant", "/home/vagrant")
	return err
}

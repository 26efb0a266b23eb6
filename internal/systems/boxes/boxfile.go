package boxes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/avirkit/avirkit/internal/run"
)

// gigabytes is the size of a box's disk; only what is written takes space.
const gigabytes = 2

// metadata is what the libvirt provider wants to know of a box.
var metadata = map[string]any{"provider": "libvirt", "format": "qcow2", "virtual_size": gigabytes}

// bootNames are what QEMU starts of a box, which has no boot loader.
var bootNames = []string{"vmlinuz", "initrd.img"}

// bootFiles makes the folder that becomes the box, with the kernel and a RAM
// disk of few modules, and empties what only a boot loader needs.
func (m *maker) bootFiles(ctx context.Context) (dir string, err error) {
	kernels, err := filepath.Glob(m.tree.Path("boot/vmlinuz-*"))
	if err != nil || len(kernels) != 1 {
		return "", fmt.Errorf("%s has %d kernels, not one: %w", m.Name(), len(kernels), err)
	}
	release := filepath.Base(kernels[0])[len("vmlinuz-"):]
	if _, err := m.tree.Run(ctx, "mkinitramfs", "-o", "/boot/small", release); err != nil {
		return "", err
	}
	dir = m.dir + ".box"
	err = errors.Join(
		os.Mkdir(dir, 0o755),
		os.Rename(kernels[0], filepath.Join(dir, "vmlinuz")),
		os.Rename(m.tree.Path("boot/small"), filepath.Join(dir, "initrd.img")),
		os.RemoveAll(m.tree.Path("boot")),
		os.RemoveAll(m.tree.Path("lib/modules")),
	)
	if err != nil {
		return "", fmt.Errorf("take the kernel out of %s: %w", m.Name(), err)
	}
	return dir, nil
}

// pack fills dir with the rest of the box and writes it in its place. No loop
// device and no mount is needed: mke2fs fills the file system. The box is not
// compressed, which takes longer than it saves here.
func (m *maker) pack(ctx context.Context, dir string) error {
	text, err := json.Marshal(metadata)
	if err != nil {
		return err
	}
	vagrantfile, err := os.ReadFile(filepath.Join(m.root, "vagrant", "box", "Vagrantfile"))
	if err != nil {
		return fmt.Errorf("read a part of the box: %w", err)
	}
	err = errors.Join(
		os.MkdirAll(filepath.Dir(m.Path(m.root)), 0o755),
		os.WriteFile(filepath.Join(dir, "metadata.json"), text, 0o644),
		os.WriteFile(filepath.Join(dir, "Vagrantfile"), vagrantfile, 0o644),
		os.Chmod(filepath.Join(dir, "vmlinuz"), 0o644),
		os.Chmod(filepath.Join(dir, "initrd.img"), 0o644),
	)
	if err != nil {
		return fmt.Errorf("write the parts of the box: %w", err)
	}
	raw, made := dir+".raw", dir+".tar"
	for _, c := range [][]string{
		// The image is thrown away after each run: a journal is of no use to it.
		{"mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-d", m.tree.Dir, raw, fmt.Sprintf("%dG", gigabytes)},
		{"qemu-img", "convert", "-O", "qcow2", raw, filepath.Join(dir, "box.img")},
		{"tar", "-cf", made, "-C", dir, "metadata.json", "Vagrantfile", "vmlinuz", "initrd.img", "box.img"},
	} {
		if _, err := (run.Command{Name: c[0], Args: c[1:]}).Run(ctx); err != nil {
			return err
		}
	}
	return os.Rename(made, m.Path(m.root))
}

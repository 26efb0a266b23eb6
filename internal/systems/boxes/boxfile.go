package boxes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/avirkit/avirkit/internal/run"
)

// metadata is what the libvirt provider wants to know of a box. Of the disk's 2
// gigabytes only what is written takes space.
const metadata = `{"provider": "libvirt", "format": "qcow2", "virtual_size": 2}`

// pack makes the box of a furnished system. No loop device and no mount is
// needed: mke2fs fills the file system, and QEMU starts the kernel. The box is
// not compressed, which takes longer than it saves here.
func (m *maker) pack(ctx context.Context) error {
	path := m.path(m.root)
	boot, dir := path+".boot", m.dir+".box"
	raw, made := dir+".raw", dir+".tar"
	err := errors.Join(
		os.MkdirAll(dir, 0o755), os.MkdirAll(filepath.Dir(path), 0o755), os.RemoveAll(boot),
		os.WriteFile(filepath.Join(dir, "metadata.json"), []byte(metadata), 0o644),
	)
	if err != nil {
		return fmt.Errorf("write the parts of the box: %w", err)
	}
	if err := m.takeKernel(ctx, boot); err != nil {
		return fmt.Errorf("take the kernel out of %s: %w", m.Name(), err)
	}
	for _, c := range [][]string{
		// The image is thrown away after each run: a journal is of no use to it.
		{"mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-d", m.tree.Dir, raw, "2G"},
		{"qemu-img", "convert", "-O", "qcow2", raw, filepath.Join(dir, "box.img")},
		{"tar", "-cf", made, "-C", dir, "metadata.json", "box.img", "-C", filepath.Join(m.root, "vagrant", "box"), "Vagrantfile", "-C", boot, "vmlinuz", "initrd.img"},
	} {
		if _, err := (run.Command{Name: c[0], Args: c[1:]}).Run(ctx); err != nil {
			return err
		}
	}
	return os.Rename(made, path)
}

// takeKernel moves the kernel and a RAM disk of few modules into the folder
// boot, and deletes from the system what only a boot loader needs.
func (m *maker) takeKernel(ctx context.Context, boot string) error {
	kernels, err := filepath.Glob(m.tree.Path("boot/vmlinuz-*"))
	if err != nil || len(kernels) != 1 {
		return fmt.Errorf("there are %d, not one", len(kernels))
	}
	release := filepath.Base(kernels[0])[len("vmlinuz-"):]
	if _, err := m.tree.Run(ctx, "mkinitramfs", "-o", "/boot/small", release); err != nil {
		return err
	}
	return errors.Join(
		os.Mkdir(boot, 0o755),
		os.Rename(kernels[0], filepath.Join(boot, "vmlinuz")),
		os.Rename(m.tree.Path("boot/small"), filepath.Join(boot, "initrd.img")),
		os.Chmod(filepath.Join(boot, "initrd.img"), 0o644),
		os.RemoveAll(m.tree.Path("boot")),
		os.RemoveAll(m.tree.Path("lib/modules")),
	)
}

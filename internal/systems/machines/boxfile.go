package machines

import (
	"archive/tar"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// boxGigabytes is the size of a box's disk; only what is written takes space.
const boxGigabytes = 2

// boxMetadata is what the libvirt provider wants to know of a box.
var boxMetadata = map[string]any{"provider": "libvirt", "format": "qcow2", "virtual_size": boxGigabytes}

// pack makes the box of a finished tree and its kernel. No loop device and no
// mount is needed: mke2fs fills the file system, and QEMU starts the kernel.
func (m *maker) pack(ctx context.Context, t tree, k *kernel, ramdisk, box string) error {
	raw, image := m.run.path(filepath.Base(box)+".raw"), m.run.path(filepath.Base(box)+".qcow2")
	defer os.Remove(raw)
	// The image is thrown away after each run: a journal is of no use to it.
	_, err := m.run.command("mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-d", t.dir,
		raw, fmt.Sprintf("%dG", boxGigabytes)).Run(ctx)
	if err == nil {
		_, err = m.run.command("qemu-img", "convert", "-O", "qcow2", raw, image).Run(ctx)
	}
	if err != nil {
		return err
	}
	metadata, err := json.Marshal(boxMetadata)
	if err != nil {
		return err
	}
	defer os.Remove(image)
	return writeBox(m.run.path(filepath.Base(box)), box, metadata, map[string]string{
		"box.img":     image,
		"vmlinuz":     k.image,
		"initrd.img":  ramdisk,
		"Vagrantfile": filepath.Join(m.data, "Vagrantfile"),
	})
}

// writeBox writes a box as the file unfinished and renames it to path. It is
// a tar file without compression, which takes longer than it saves here.
func writeBox(unfinished, path string, metadata []byte, files map[string]string) (err error) {
	f, err := os.Create(unfinished)
	if err != nil {
		return fmt.Errorf("write the box: %w", err)
	}
	defer func() {
		if closing := f.Close(); err == nil {
			err = closing
		}
		if err == nil {
			err = os.Rename(unfinished, path)
		}
		if err != nil {
			os.Remove(unfinished)
			err = fmt.Errorf("write the box %s: %w", path, err)
		}
	}()
	w := tar.NewWriter(f)
	if err := w.WriteHeader(&tar.Header{Name: "metadata.json", Mode: 0o644, Size: int64(len(metadata)), ModTime: time.Now()}); err != nil {
		return err
	}
	if _, err := w.Write(metadata); err != nil {
		return err
	}
	for name, from := range files {
		if err := addFile(w, name, from); err != nil {
			return err
		}
	}
	return w.Close()
}

func addFile(w *tar.Writer, name, from string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h := &tar.Header{Name: name, Mode: int64(info.Mode().Perm()), Size: info.Size(), ModTime: info.ModTime()}
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return err
}

package machines

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// bootNames are what QEMU starts of a box of Boxes, which has no boot loader.
var bootNames = []string{"vmlinuz", "initrd.img"}

// bootFiles copies kernel and RAM disk out of the boxes of Boxes to where
// every user can read them: the system's libvirt runs QEMU as one who can't
// enter a home folder, where Vagrant keeps its boxes.
func (t *testRun) bootFiles(machines []*Machine) error {
	top := filepath.Join("/tmp", t.name+"-boot")
	if err := os.Mkdir(top, 0o755); err != nil {
		return fmt.Errorf("make the folder of the kernels: %w", err)
	}
	if err := os.Chmod(top, 0o755); err != nil { // whatever the umask is
		return err
	}
	for _, m := range machines {
		if filepath.Dir(m.File) != filepath.Join(cacheDir(t.options.Root), "boxes") {
			continue
		}
		m.Boot = filepath.Join(top, m.Name)
		if err := unpackBoot(m.File, m.Boot); err != nil {
			return fmt.Errorf("unpack the kernel of %s: %w", m.File, err)
		}
	}
	return nil
}

// unpackBoot unpacks bootNames of a box into the new folder dir.
func unpackBoot(box, dir string) error {
	f, err := os.Open(box)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	r := tar.NewReader(f)
	for missing := len(bootNames); missing > 0; {
		h, err := r.Next()
		if err == io.EOF {
			return fmt.Errorf("it lacks one of %v", bootNames)
		}
		if err != nil {
			return err
		}
		if !slices.Contains(bootNames, h.Name) {
			continue
		}
		path := filepath.Join(dir, h.Name)
		to, err := os.Create(path)
		if err != nil {
			return err
		}
		_, err = io.Copy(to, r)
		if err := errors.Join(err, to.Close(), os.Chmod(path, 0o644)); err != nil {
			return err
		}
		missing--
	}
	return os.Chmod(dir, 0o755)
}

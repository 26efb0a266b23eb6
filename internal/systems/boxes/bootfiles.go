package boxes

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// UnpackBoot unpacks kernel and RAM disk of a box into the new folder dir,
// where every user can read them: the QEMU of this system's libvirt runs as a
// user who can't enter a home folder, where Vagrant keeps its boxes.
func UnpackBoot(box, dir string) error {
	f, err := os.Open(box)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := errors.Join(os.Mkdir(dir, 0o755), os.Chmod(dir, 0o755)); err != nil {
		return err
	}
	r := tar.NewReader(f)
	for missing := len(bootNames); missing > 0; {
		h, err := r.Next()
		if err == io.EOF {
			return fmt.Errorf("box %s lacks one of %v", box, bootNames)
		}
		if err != nil {
			return fmt.Errorf("read the box %s: %w", box, err)
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
			return fmt.Errorf("unpack the kernel of box %s: %w", box, err)
		}
		missing--
	}
	return nil
}

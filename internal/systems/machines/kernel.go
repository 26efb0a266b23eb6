package machines

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// machineModules are what a machine needs to find its disk and its network.
// ext4 asks for crc32c by its algorithm's name, which is no dependency that
// its file states.
var machineModules = []string{"crc32c_generic", "virtio_pci", "virtio_blk", "ext4", "virtio_net"}

// kernel is an unpacked Debian kernel package.
type kernel struct {
	image   string            // path of the compressed kernel
	release string            // as uname -r has it
	modules map[string]string // path of each module's file, by name with underscores
}

// findKernel looks through an unpacked package.
func findKernel(dir string) (*kernel, error) {
	images, err := filepath.Glob(filepath.Join(dir, "boot", "vmlinuz-*"))
	if err != nil {
		return nil, err
	}
	if len(images) != 1 {
		return nil, fmt.Errorf("expected one kernel in %s, found %d", dir, len(images))
	}
	k := &kernel{image: images[0], modules: map[string]string{}}
	k.release = strings.TrimPrefix(filepath.Base(k.image), "vmlinuz-")
	for _, lib := range []string{"lib", "usr/lib"} {
		err := filepath.WalkDir(filepath.Join(dir, lib, "modules", k.release), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && strings.HasSuffix(path, ".ko") {
				k.modules[moduleName(strings.TrimSuffix(filepath.Base(path), ".ko"))] = path
			}
			return err
		})
		if err != nil && !os.IsNotExist(err) {
			return nil, fmt.Errorf("look for the modules of kernel %s: %w", k.release, err)
		}
	}
	return k, nil
}

// moduleName spells a module's name as the kernel does, which knows no dash.
func moduleName(s string) string { return strings.ReplaceAll(s, "-", "_") }

// closure returns the files of the named modules and of all that they depend
// on, each after what it depends on.
func (k *kernel) closure(names ...string) ([]string, error) {
	var files []string
	var visit func(name string, depth int) error
	visit = func(name string, depth int) error {
		file, ok := k.modules[moduleName(name)]
		if !ok {
			return fmt.Errorf("kernel %s has no module %s", k.release, name)
		}
		if slices.Contains(files, file) {
			return nil
		}
		if depth > len(k.modules) {
			return fmt.Errorf("module %s of kernel %s depends on itself", name, k.release)
		}
		needs, err := moduleNeeds(file)
		if err != nil {
			return err
		}
		for _, n := range needs {
			if err := visit(n, depth+1); err != nil {
				return err
			}
		}
		files = append(files, file)
		return nil
	}
	for _, name := range names {
		if err := visit(name, 0); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// moduleNeeds reads the names of a module's dependencies from its file.
func moduleNeeds(file string) ([]string, error) {
	f, err := elf.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read module %s: %w", file, err)
	}
	defer f.Close()
	s := f.Section(".modinfo")
	if s == nil {
		return nil, fmt.Errorf("read module %s: it has no .modinfo", file)
	}
	data, err := s.Data()
	if err != nil {
		return nil, fmt.Errorf("read module %s: %w", file, err)
	}
	for entry := range bytes.SplitSeq(data, []byte{0}) {
		if list, ok := strings.CutPrefix(string(entry), "depends="); ok && list != "" {
			return strings.Split(list, ","), nil
		}
	}
	return nil, nil
}

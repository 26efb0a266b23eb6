package machines

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cavaliergopher/cpio"
)

// initrd writes an initial RAM disk to path: busybox, the modules in the
// order of loading, and the program that loads them.
func initrd(path, busybox, init string, modules []string) error {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	w := cpio.NewWriter(z)
	add := func(name string, mode cpio.FileMode, data []byte) {
		if err == nil {
			err = w.WriteHeader(&cpio.Header{Name: name, Mode: mode, Links: 1, Size: int64(len(data))})
		}
		if err == nil {
			_, err = w.Write(data)
		}
	}
	addFile := func(name string, mode cpio.FileMode, from string) {
		data, readErr := os.ReadFile(from)
		if err == nil {
			err = readErr
		}
		add(name, cpio.TypeReg|mode, data)
	}
	for _, dir := range []string{"bin", "dev", "modules", "root"} {
		add(dir, cpio.TypeDir|0o755, nil)
	}
	addFile("bin/busybox", 0o755, busybox)
	addFile("init", 0o755, init)
	var list strings.Builder
	for _, file := range modules {
		fmt.Fprintln(&list, filepath.Base(file))
		addFile("modules/"+filepath.Base(file), 0o644, file)
	}
	add("modules/list", cpio.TypeReg|0o644, []byte(list.String()))
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = z.Close()
	}
	if err == nil {
		err = os.WriteFile(path, b.Bytes(), 0o644)
	}
	if err != nil {
		return fmt.Errorf("make the initial RAM disk: %w", err)
	}
	return nil
}

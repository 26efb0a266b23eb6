package install

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/build/toolchain"
)

// addCXX builds a plugin in C++ and adds it to the packages: what the runtime
// of C++ in a library needs shows only on the systems. It takes gcc, because
// zig compiles the runtime first, which takes minutes.
func (k *kit) addCXX(ctx context.Context) error {
	plugin := build.Plugin{Name: "avir_cxx", Dir: filepath.Join("testdata", "cxxplugin")}
	o := build.Options{Root: k.options.Root, Dist: k.cxxDist(), Toolchain: toolchain.GCC}
	if err := build.Extra(ctx, o, plugin); err != nil {
		return err
	}
	if err := os.CopyFS(k.dataDir(), os.DirFS(filepath.Join(k.options.Root, plugin.Dir, "packaging"))); err != nil {
		return fmt.Errorf("copy the data of the package in C++: %w", err)
	}
	return nil
}

func (k *kit) cxxDist() string { return filepath.Join(k.dir, "cxx") }

// readBuilt reads a file of the dist to test, or the library in C++.
func (k *kit) readBuilt(path string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(k.cxxDist(), path))
	if err != nil {
		data, err = os.ReadFile(filepath.Join(k.options.Dist, path))
	}
	if err != nil {
		return nil, fmt.Errorf("read what was built: %w: run go tool mage build", err)
	}
	return data, nil
}

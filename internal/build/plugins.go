package build

import (
	"errors"
	"fmt"
	gobuild "go/build"
	"os"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/build/platform"
)

// Plugin is a Go plugin to build.
type Plugin struct {
	Name string // avir_NAME, the file name without .so
	Dir  string // its package main, in the checkout
}

// Plugins are the plugins that a build makes: each folder of plugins, or link
// to a folder, that holds a package main and is no module of its own, which the
// go command would not see from the module around it. The library of
// plugins/NAME is avir_NAME.so.
func Plugins(root string) ([]Plugin, error) {
	entries, err := os.ReadDir(filepath.Join(root, "plugins"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var found []Plugin
	for _, e := range entries {
		dir := "plugins/" + e.Name()
		plugin, err := isPlugin(filepath.Join(root, dir))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		if plugin {
			found = append(found, Plugin{Name: "avir_" + e.Name(), Dir: dir})
		}
	}
	if len(found) == 0 {
		return nil, errors.New("no folder plugins/NAME with a package main: is the checkout complete?")
	}
	return found, nil
}

func isPlugin(dir string) (bool, error) {
	// The go command passes over these too.
	if name := filepath.Base(dir); strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" {
		return false, nil
	}
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		return false, err
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	context := gobuild.Default
	context.GOOS, context.GOARCH, context.CgoEnabled = "linux", platform.All[0].GOARCH, true
	context.BuildTags = strings.Split(tags, ",")
	p, err := context.ImportDir(dir, 0)
	var none *gobuild.NoGoError
	if errors.As(err, &none) {
		return false, nil
	}
	return err == nil && p.IsCommand(), err
}

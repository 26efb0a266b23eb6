package build

import (
	"errors"
	"fmt"
	gobuild "go/build"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/avirkit/avirkit/internal/build/platform"
)

// Plugin is a plugin to build, in Go or in C and C++.
type Plugin struct {
	Name string // avir_NAME, the file name without .so
	Dir  string // its sources: in the checkout, or an absolute path outside of it

	c *cFolder // nil for a plugin in Go
}

// Plugins are the plugins that a build makes: each folder of plugins, or link
// to a folder, that holds a package main, or sources in C or C++ and no Go. A
// module of its own is none of them: the go command would not see it from the
// module around it. The library of plugins/NAME is avir_NAME.so.
func Plugins(root string) ([]Plugin, error) {
	entries, err := os.ReadDir(filepath.Join(root, "plugins"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var found []Plugin
	for _, e := range entries {
		dir := "plugins/" + e.Name()
		plugin, err := pluginIn(filepath.Join(root, dir))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		if plugin != nil {
			plugin.Name, plugin.Dir = "avir_"+e.Name(), dir
			found = append(found, *plugin)
		}
	}
	if len(found) == 0 {
		return nil, errors.New("no folder plugins/NAME with a package main or sources in C: is the checkout complete?")
	}
	return found, nil
}

// pluginIn returns what a folder holds, or nil if that is no plugin.
func pluginIn(dir string) (*Plugin, error) {
	// The go command passes over these too.
	if name := filepath.Base(dir); strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" {
		return nil, nil
	}
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	context := gobuild.Default
	context.GOOS, context.GOARCH, context.CgoEnabled = "linux", platform.All[0].GOARCH, true
	context.BuildTags = strings.Split(Tags, ",")
	p, err := context.ImportDir(dir, 0)
	var none *gobuild.NoGoError
	if errors.As(err, &none) {
		c, err := readCFolder(dir)
		if c == nil {
			return nil, err
		}
		return &Plugin{c: c}, nil
	}
	if err != nil || !p.IsCommand() {
		return nil, err
	}
	return &Plugin{}, nil
}

// VendorPlugin returns the plugin in a vendor's own folder, which holds a Go module
// with a package main, or sources in C or C++. packaging/NAME/plugin.yml names the
// library; without that file, the library of a folder NAME is avir_NAME.so.
func VendorPlugin(dir string) (Plugin, error) {
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		return Plugin{}, fmt.Errorf("%s is no folder with a plugin's sources: mage new makes one", dir)
	}
	name, from, err := vendorName(dir)
	if err != nil {
		return Plugin{}, err
	}
	if err := CheckName(name); err != nil {
		return Plugin{}, fmt.Errorf("%s: %w", from, err)
	}
	found := Plugin{Name: name, Dir: dir}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
		return found, nil
	}
	found.c, err = readCFolder(dir)
	if err == nil && found.c == nil {
		err = fmt.Errorf("%s holds neither a go.mod nor sources in C or C++: mage new makes a folder to begin with; sources in subfolders are named in %s", dir, FlagsFile)
	}
	return found, err
}

// vendorName returns the name of the library in a vendor's folder, and what
// says so.
func vendorName(dir string) (name, from string, err error) {
	var data []string
	folders, _ := os.ReadDir(filepath.Join(dir, "packaging"))
	for _, f := range folders {
		file := filepath.Join(dir, "packaging", f.Name(), "plugin.yml")
		if _, err := os.Stat(file); err == nil {
			data = append(data, file)
		}
	}
	switch len(data) {
	case 0:
		return "avir_" + strings.TrimPrefix(filepath.Base(dir), "avir_"), dir, nil
	case 1:
		text, err := os.ReadFile(data[0])
		if err != nil {
			return "", "", err
		}
		var plugin struct{ Library string }
		if err := yaml.Unmarshal(text, &plugin); err != nil {
			return "", "", fmt.Errorf("%s: %w", data[0], err)
		}
		return strings.TrimSuffix(plugin.Library, ".so"), data[0], nil
	}
	return "", "", fmt.Errorf("%s has packages of %d plugins: a folder holds one plugin", filepath.Join(dir, "packaging"), len(data))
}

var pluginName = regexp.MustCompile(`^avir_[a-z0-9][a-z0-9_-]{0,30}$`)

// CheckName refuses what a library can't be called: its name is part of the
// packages' names, too.
func CheckName(library string) error {
	if pluginName.MatchString(library) {
		return nil
	}
	return fmt.Errorf("the library would be called %q: take avir_ and up to 31 small letters, digits, - and _", library)
}

// InPackageName is a plugin's name as a part of a package's name, in which dpkg
// takes no underscore.
func InPackageName(plugin string) string { return strings.ReplaceAll(plugin, "_", "-") }

// plugins are the plugins of this build.
func (b *builder) plugins() ([]Plugin, error) {
	if b.Plugin == "" {
		return Plugins(b.Root)
	}
	vendors, err := VendorPlugin(b.Plugin)
	if err == nil {
		err = CheckNotOurs(b.Root, vendors)
	}
	return []Plugin{vendors}, err
}

// CheckNotOurs refuses a plugin from outside that is called like one of the
// checkout: both would be offered in the same console. A link in the checkout
// may lead to the plugin.
func CheckNotOurs(root string, vendors Plugin) error {
	ours, err := Plugins(root)
	if err != nil {
		return err
	}
	real := func(dir string) string { dir, _ = filepath.EvalSymlinks(dir); return dir }
	for _, p := range ours {
		if p.Name == vendors.Name && (vendors.Dir == "" || real(filepath.Join(root, p.Dir)) != real(vendors.Dir)) {
			return fmt.Errorf("avirkit has a plugin %s of its own, in %s: take another name", p.Name, p.Dir)
		}
	}
	return nil
}

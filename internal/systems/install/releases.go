package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/packages"
)

// release is all packages of one version.
type release struct {
	version packages.Version
	dir     string // of the packages
	dist    string // of the libraries
}

// buildAll builds the three releases. The libraries of the old one have a
// byte more at their end, which loads the same and looks different.
func (k *kit) buildAll(ctx context.Context) error {
	dist, changed, err := k.copyLibraries()
	if err != nil {
		return err
	}
	data, err := k.failingScripts()
	if err != nil {
		return err
	}
	v := k.options.Version
	k.current = release{version: v, dist: dist, dir: filepath.Join(k.dir, "current")}
	k.old = release{version: v.Older(), dist: changed, dir: filepath.Join(k.dir, "old")}
	k.failing = release{version: v.Newer(), dist: changed, dir: filepath.Join(k.dir, "failing")}
	others, err := k.copyData("old-data")
	if err != nil {
		return err
	}
	for r, data := range map[release]string{
		k.current: k.dataDir(),
		k.old:     others,
		k.failing: data,
	} {
		if err := packages.Build(ctx, k.packageOptions(r, data)); err != nil {
			return err
		}
	}
	return nil
}

func (k *kit) packageOptions(r release, data string) packages.Options {
	return packages.Options{Data: data, Dist: r.dist, Out: r.dir, Version: r.version, Epoch: k.epoch, Signer: k.signer, Keyring: k.signer.Ring}
}

// copyLibraries copies dist, which another build may replace during the
// tests, and makes the changed one beside it.
func (k *kit) copyLibraries() (same, changed string, err error) {
	same, changed = filepath.Join(k.dir, "dist"), filepath.Join(k.dir, "old-dist")
	var paths []string
	for _, of := range platform.All {
		paths = append(paths, filepath.Join(of.Name, "avserver"), filepath.Join(of.Name, "avirctl"))
		for _, p := range k.data.Plugins {
			paths = append(paths, filepath.Join(of.Name, p.Library))
		}
	}
	for _, path := range paths {
		data, err := k.readBuilt(path)
		if err != nil {
			return "", "", err
		}
		if err := atomicdir.WriteFile(filepath.Join(same, path), data, 0o755); err != nil {
			return "", "", err
		}
		if err := atomicdir.WriteFile(filepath.Join(changed, path), append(data, 0), 0o755); err != nil {
			return "", "", err
		}
	}
	return same, changed, nil
}

// failingScripts copies packaging/ and makes what runs before the files come
// fail: at its end for dpkg, which then calls postrm; at its beginning for
// rpm, which calls nothing.
func (k *kit) failingScripts() (string, error) {
	dir, err := k.copyData("failing-data")
	if err != nil {
		return "", err
	}
	const fail = "echo this script fails >&2\nexit 3\n"
	err = edit(filepath.Join(dir, "deb", "preinst"), func(text []byte) ([]byte, error) { return append(text, fail...), nil })
	if err == nil {
		err = edit(filepath.Join(dir, "rpm", "pre"), func(text []byte) ([]byte, error) { return append([]byte(fail), text...), nil })
	}
	return dir, err
}

// copyData copies packaging/, for a quick test without the sample plugins
// and that in C++, whose packages nobody installs in more than one version then.
func (k *kit) copyData(name string, without ...string) (string, error) {
	dir := filepath.Join(k.dir, name)
	if err := os.CopyFS(dir, os.DirFS(k.dataDir())); err != nil {
		return "", fmt.Errorf("copy the packages' data: %w", err)
	}
	if k.options.Quick {
		without = []string{"sample", "csample", "cxx"}
	}
	var failed []error
	for _, plugin := range without {
		failed = append(failed, os.RemoveAll(filepath.Join(dir, plugin)))
	}
	return dir, errors.Join(failed...)
}

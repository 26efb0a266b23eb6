package build

import (
	"context"
	"os"
	"path/filepath"
	"slices"
)

// Extra builds libraries that are no part of dist, for benchmarks and tests,
// into the folder of each platform in o.Dist. Each is a folder of the checkout
// with a plugin in Go or in C.
func Extra(ctx context.Context, o Options, plugins ...Plugin) error {
	if err := Passable(o.Root); err != nil {
		return err
	}
	unlock, err := Lock(ctx, o.Root)
	if err != nil {
		return err
	}
	defer unlock()
	b, err := newBuilder(ctx, o)
	if err != nil {
		return err
	}
	plugins = slices.Clone(plugins)
	for i := range plugins {
		plugin := &plugins[i]
		if plugin.c, err = readCFolder(filepath.Join(o.Root, plugin.Dir)); err != nil {
			return err
		}
		if err := plugin.check(b.Platforms...); err != nil {
			return err
		}
	}
	if b.stage, err = stageIn(o.Dist); err != nil {
		return err
	}
	defer os.RemoveAll(b.stage)
	for _, p := range b.Platforms {
		t := b.target(p)
		if err := t.folders(); err != nil {
			return err
		}
		for _, plugin := range plugins {
			if err := t.plugin(ctx, plugin, &Library{}); err != nil {
				return err
			}
		}
		if err := os.Rename(filepath.Join(b.stage, p.Name), filepath.Join(o.Dist, p.Name)); err != nil {
			return err
		}
	}
	return nil
}

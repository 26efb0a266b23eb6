package build

import (
	"context"
	"os"
	"path/filepath"
	"strings"
)

// Extra builds libraries that are no part of dist, for benchmarks and tests,
// into the folder o.Dist: plugins in Go, and ones in C that are a file each.
func Extra(ctx context.Context, o Options, plugins []Plugin, cSources ...string) error {
	if err := passable(o.Root, o.Dist); err != nil {
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
	if b.stage, err = stageIn(o.Dist); err != nil {
		return err
	}
	defer os.RemoveAll(b.stage)
	if err := os.MkdirAll(filepath.Join(b.stage, Dir386), 0o755); err != nil {
		return err
	}
	for _, p := range plugins {
		if _, err := b.plugin(ctx, p); err != nil {
			return err
		}
		if err := copyFile(filepath.Join(b.stage, Dir386, p.Name+".so"), filepath.Join(o.Dist, p.Name+".so")); err != nil {
			return err
		}
	}
	for _, source := range cSources {
		name := "avir_" + strings.TrimSuffix(filepath.Base(source), ".c") + ".so"
		if err := b.CPlugin(ctx, filepath.Join(o.Root, source), filepath.Join(o.Dist, name)); err != nil {
			return err
		}
	}
	return nil
}

// Package targets holds what the mage targets do; magefile.go only names them.
package targets

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/build/audit"
	"github.com/avirkit/avirkit/internal/run"
)

// Build builds dist for the platforms of a list with commas, with the toolchain
// that AVIR_TOOLCHAIN names. Without a list it takes all platforms.
func Build(ctx context.Context, list *string) error { return buildFor(ctx, list, false) }

func buildFor(ctx context.Context, list *string, keep bool) error {
	root, err := run.Root()
	if err != nil {
		return err
	}
	o := build.Options{Root: root, Toolchain: os.Getenv("AVIR_TOOLCHAIN"), Keep: keep}
	if o.Platforms, err = chosenPlatforms(list); err != nil {
		return err
	}
	_, err = build.Run(ctx, o)
	return err
}

// Audit prints what the audit says of one library.
func Audit(_ context.Context, file string) error {
	report, err := audit.File(file, build.Policy())
	if err != nil {
		return err
	}
	if err := report.WriteText(os.Stdout); err != nil {
		return err
	}
	if report.Err() != nil {
		return fmt.Errorf("%s does not meet the floor", file)
	}
	return nil
}

// Clean removes what the targets made, after builds that still run.
func Clean(ctx context.Context) error {
	root, err := run.Root()
	if err != nil {
		return err
	}
	return clean(ctx, root)
}

func clean(ctx context.Context, root string) error {
	dist, cache := filepath.Join(root, "dist"), filepath.Join(root, ".cache")
	if !run.Exists(dist) && !run.Exists(cache) {
		return nil
	}
	unlock, err := build.Lock(ctx, root)
	if err != nil {
		return err
	}
	defer unlock()
	remove := []string{dist}
	entries, err := os.ReadDir(cache)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != build.LockName {
			remove = append(remove, filepath.Join(cache, e.Name()))
		}
	}
	// The lock goes last, so that the next build waits for all of it.
	for _, path := range append(remove, filepath.Join(cache, build.LockName)) {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	_ = os.Remove(cache) // unless the next build has a lock there by now
	run.Printf("removed %s and %s", dist, cache)
	return nil
}

package targets

import (
	"context"
	"os"

	"github.com/avirkit/avirkit/internal/packages/release"
	"github.com/avirkit/avirkit/internal/systems/install"
)

// Release makes dist/release.
func Release(ctx context.Context) error {
	// Said before the builds, which take minutes.
	if err := install.NeedRoot(); err != nil {
		return err
	}
	return withRoot(func(root string) error {
		o, err := release.FromEnvironment(ctx, root)
		if err != nil {
			return err
		}
		o.Test = func(ctx context.Context) error {
			// A release is tested as in CI: a test that is skipped fails.
			if err := os.Setenv("CI", "true"); err != nil {
				return err
			}
			if err := Test(ctx); err != nil {
				return err
			}
			// What ships, on all systems.
			return install.Run(ctx, install.Options{Root: root, Dist: o.Packages.Dist, Version: o.Packages.Version})
		}
		return release.Run(ctx, o)
	})
}

package targets

import (
	"context"
	"errors"
	"os"

	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/packages/release"
	"github.com/avirkit/avirkit/internal/systems/install"
)

// Release makes dist/release. With strict, a system that the mirror does not
// have today stops it.
func Release(ctx context.Context, strict *bool) error {
	// Said before the builds, which take minutes.
	if err := install.NeedRoot(); err != nil {
		return err
	}
	return withRoot(func(root string) error {
		o, err := release.FromEnvironment(ctx, root)
		if err != nil {
			return err
		}
		systems := install.Options{Root: root, Dist: o.Packages.Dist, Version: o.Packages.Version, Strict: strict != nil && *strict}
		name := "packages on real systems"
		if systems.Strict {
			name += ", all of them"
		}
		o.Tests = []release.Test{
			{Name: "tests", Run: func(ctx context.Context) ([]string, error) {
				// A release is tested as in CI: a test that is skipped fails.
				if err := os.Setenv("CI", "true"); err != nil {
					return nil, err
				}
				return nil, Test(ctx)
			}},
			// What ships, on all systems.
			{Name: name, Run: func(ctx context.Context) (remarks []string, err error) {
				untested, err := install.Run(ctx, systems)
				for _, system := range untested {
					remarks = append(remarks, "not tested on "+system+", which the mirror did not have: -strict makes that a failure")
				}
				return remarks, err
			}},
		}
		return release.Run(ctx, o)
	})
}

// Verify checks what is published in a folder, as anybody can who has the
// sources.
func Verify(ctx context.Context, dir, key *string) error {
	if dir == nil {
		return errors.New("name the folder with a copy of what is published: go tool mage verify -dir=FOLDER -key=FINGERPRINT")
	}
	return withRoot(func(root string) error {
		if err := hostdeps.Need(ctx, hostdeps.For("verify")...); err != nil {
			return err
		}
		o := release.VerifyOptions{Root: root, Dir: *dir}
		if key != nil {
			o.Key = *key
		}
		return release.Verify(ctx, o)
	})
}

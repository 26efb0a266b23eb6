package targets

import (
	"context"

	"github.com/avirkit/avirkit/internal/release"
)

// Release makes dist/release.
func Release(ctx context.Context) error {
	return withRoot(func(root string) error {
		o, err := release.FromEnvironment(ctx, root)
		if err != nil {
			return err
		}
		o.Test = Test
		return release.Run(ctx, o)
	})
}

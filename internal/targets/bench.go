package targets

import (
	"context"

	"github.com/avirkit/avirkit/internal/bench"
	"github.com/avirkit/avirkit/internal/hostdeps"
)

// Bench measures on a fresh build and writes internal/bench/results; quick takes
// about two minutes instead of a quarter of an hour, and writes dist/bench.
func Bench(ctx context.Context, quick *bool) error {
	return withRoot(func(root string) error {
		if err := Build(ctx, nil); err != nil {
			return err
		}
		if err := hostdeps.Need(ctx, hostdeps.For("bench")...); err != nil {
			return err
		}
		return bench.Run(ctx, bench.Options{Root: root, Quick: quick != nil && *quick})
	})
}

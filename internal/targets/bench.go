package targets

import (
	"context"
	"os"

	"github.com/avirkit/avirkit/internal/bench"
	"github.com/avirkit/avirkit/internal/run"
)

// Bench measures on a fresh build; quick takes about a minute instead of six
// to eight.
func Bench(ctx context.Context, quick *bool) error {
	return withRoot(func(root string) error {
		if err := Build(ctx); err != nil {
			return err
		}
		_, err := bench.Run(ctx, bench.Options{
			Root: root, Quick: quick != nil && *quick, Out: os.Stdout, Report: run.Printf,
		})
		return err
	})
}

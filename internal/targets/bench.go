package targets

import (
	"context"
	"os"

	"github.com/avirkit/avirkit/internal/bench"
	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/run"
)

// Bench measures on a fresh build; quick takes about a minute instead of eight
// to ten.
func Bench(ctx context.Context, quick *bool) error {
	return withRoot(func(root string) error {
		if err := Build(ctx); err != nil {
			return err
		}
		if err := hostdeps.Need(ctx, "gcc-multilib", "libc6-i386", "clamav-daemon", "clamdscan"); err != nil {
			return err
		}
		o := bench.Options{Root: root, Quick: quick != nil && *quick, Out: os.Stdout, Report: run.Printf}
		if err := bench.SDK(ctx, o); err != nil {
			return err
		}
		_, err := bench.Run(ctx, o)
		return err
	})
}

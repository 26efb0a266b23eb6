package targets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/run"
)

// TestFull is Test with nothing shortened.
func TestFull(ctx context.Context) error {
	if err := os.Setenv("AVIR_FULL", "1"); err != nil {
		return err
	}
	return Test(ctx)
}

// Test builds with both toolchains, lints, and runs the tests of every module.
func Test(ctx context.Context) error {
	root, err := run.Root()
	if err != nil {
		return err
	}
	needed := hostdeps.For("test")
	if npm, err := toolchain.NeedsNpm(ctx, filepath.Join(root, ".cache")); err != nil {
		return err
	} else if npm {
		needed = append(needed, "npm")
	}
	if err := hostdeps.Need(ctx, needed...); err != nil {
		return err
	}
	for _, name := range []string{toolchain.Zig, toolchain.GCC} {
		o := build.Options{Root: root, Toolchain: name, Dist: build.TestDist(root, name)}
		if _, err := build.Run(ctx, o); err != nil {
			return err
		}
	}
	// What runs on target systems is tested with the Go that it is built with.
	targetGo, err := build.TargetGo(ctx, root)
	if err != nil {
		return err
	}
	var total tally
	var failed []error
	if err := Lint(ctx); err != nil {
		failed = append(failed, err)
	}
	for _, s := range []suite{
		{module: "api", args: []string{"-race"}, env: targetGo},
		{module: "plugins", args: []string{"-race"}, env: targetGo},
		{module: "harness", env: targetGo},
		// What runs side by side or is waited for, and is small: the race detector
		// would have all of this module compiled once more.
		{module: ".", args: []string{"-race"}, only: []string{"./internal/run", "./internal/mage", "./internal/atomicdir"}},
		{module: ".", first: []string{"./internal/build", "./internal/targets", "./internal/systems/install", "./internal/packages/release"}},
	} {
		if os.Getenv("AVIR_FULL") != "1" {
			s.args = append(s.args, "-skip=AtFullLength$") // such tests take minutes
		}
		t, err := s.run(ctx, root)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		total.add(t)
		if err != nil {
			failed = append(failed, err)
		}
	}
	if total.skipped > 0 && os.Getenv("CI") == "true" {
		failed = append(failed, errors.New("with CI=true no test may be skipped"))
	}
	run.Printf("the longest tests:\n%s", strings.Join(total.longest(), "\n"))
	run.Printf("%s", total)
	if len(failed) > 0 {
		return fmt.Errorf("failed: %w", errors.Join(failed...))
	}
	return nil
}

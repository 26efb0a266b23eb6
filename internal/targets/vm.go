package targets

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/systems/boxes"
	"github.com/avirkit/avirkit/internal/systems/floor"
	"github.com/avirkit/avirkit/internal/systems/machines"
)

// TestVM tests in the machines of a list with commas, or in all of them.
func TestVM(ctx context.Context, machine *string, keep, real *bool) error {
	o := machines.Options{Keep: keep != nil && *keep, Real: real != nil && *real, Full: full()}
	if machine != nil {
		o.Machines = strings.FieldsFunc(strings.Join(repeated("machine", machine), ","), func(r rune) bool { return r == ',' || r == ' ' })
		if len(o.Machines) == 0 {
			return errors.New("-machine= names no machine: leave it out for all of them")
		}
	}
	return withRoot(func(root string) error {
		o.Root, o.Boxes = root, boxes.Checkout{Root: root}
		return machines.Test(ctx, o)
	})
}

// TestFloor tests under the kernel floor, without a machine, for the platforms
// of a list with commas, or for all of them.
func TestFloor(ctx context.Context, platforms *string) error {
	chosen, err := chosenPlatforms(platforms)
	if err != nil {
		return err
	}
	if chosen == nil {
		chosen = platform.All
	}
	return withRoot(func(root string) error {
		return floor.Run(ctx, floor.Options{Root: root, Platforms: chosen, Full: full()})
	})
}

// Boxes makes the local boxes.
func Boxes(ctx context.Context) error {
	return withRoot(func(root string) error { return boxes.Checkout{Root: root}.MakeAll(ctx) })
}

// full says whether tests are to run at full length.
func full() bool { return os.Getenv("AVIR_FULL") == "1" }

func withRoot(f func(root string) error) error {
	root, err := run.Root()
	if err != nil {
		return err
	}
	return f(root)
}

package targets

import (
	"context"
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
		o.Machines = strings.FieldsFunc(*machine, func(r rune) bool { return r == ',' || r == ' ' })
	}
	return withRoot(func(root string) error {
		o.Root, o.Boxes = root, boxes.Checkout{Root: root}
		return machines.Test(ctx, o)
	})
}

// TestFloor tests under the kernel floor, without a machine, for the platforms
// of a list with commas, or for all of them.
func TestFloor(ctx context.Context, platforms *string) error {
	var list string
	if platforms != nil {
		list = *platforms
	}
	chosen, err := platform.Find(list)
	if err != nil {
		return err
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

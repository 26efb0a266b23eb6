package targets

import (
	"context"
	"strings"

	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/vm"
)

// TestVM tests in the machines of a list with commas, or in all of them.
func TestVM(ctx context.Context, machine *string) error {
	var machines []string
	if machine != nil {
		machines = strings.FieldsFunc(*machine, func(r rune) bool { return r == ',' || r == ' ' })
	}
	return withRoot(func(root string) error { return vm.Test(ctx, vm.FromEnvironment(root, machines...)) })
}

// TestFloor tests under the kernel floor, without a machine.
func TestFloor(ctx context.Context) error {
	return withRoot(func(root string) error { return vm.Floor(ctx, vm.FromEnvironment(root)) })
}

// Boxes makes the local boxes.
func Boxes(ctx context.Context) error {
	return withRoot(func(root string) error { return vm.Boxes(ctx, vm.FromEnvironment(root)) })
}

func withRoot(f func(root string) error) error {
	root, err := run.Root()
	if err != nil {
		return err
	}
	return f(root)
}

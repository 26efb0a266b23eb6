package targets

import (
	"context"
	"strings"

	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/systems/machines"
)

// TestVM tests in the machines of a list with commas, or in all of them.
func TestVM(ctx context.Context, machine *string) error {
	var names []string
	if machine != nil {
		names = strings.FieldsFunc(*machine, func(r rune) bool { return r == ',' || r == ' ' })
	}
	return withRoot(func(root string) error { return machines.Test(ctx, machines.FromEnvironment(root, names...)) })
}

// TestFloor tests under the kernel floor, without a machine.
func TestFloor(ctx context.Context) error {
	return withRoot(func(root string) error { return machines.Floor(ctx, machines.FromEnvironment(root)) })
}

// Boxes makes the local boxes.
func Boxes(ctx context.Context) error {
	return withRoot(func(root string) error { return machines.Boxes(ctx, machines.FromEnvironment(root)) })
}

func withRoot(f func(root string) error) error {
	root, err := run.Root()
	if err != nil {
		return err
	}
	return f(root)
}

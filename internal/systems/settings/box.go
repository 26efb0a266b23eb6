package settings

import (
	"context"
	"path/filepath"
)

// Box is a box that can be made on this machine.
type Box struct {
	Path     string // of the file, whether it is made or not
	System   string // what it really is
	StandsIn bool   // that is another system than the machine is named after
}

// Boxes makes boxes. They have no boot loader: the folder Path.boot beside each
// holds the kernel and the RAM disk that QEMU starts.
type Boxes interface {
	// For returns the box for a machine, nil if there is none.
	For(machine string) *Box

	// Make makes the machines' boxes that are not up to date.
	Make(ctx context.Context, machines ...string) error
}

// Cache is the folder of boxes and runs in a checkout.
func Cache(root string) string { return filepath.Join(root, ".cache", "vm") }

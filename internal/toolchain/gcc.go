package toolchain

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/debian"
	"github.com/avirkit/avirkit/internal/run"
)

// multilib returns Debian's gcc for i386, with stub libraries of the floor.
func multilib(ctx context.Context, cache string) (*Toolchain, error) {
	if !compiles(ctx) {
		if err := debian.Need(ctx, "gcc-multilib"); err != nil {
			return nil, fmt.Errorf("gcc -m32 does not link programs here: %w", err)
		}
		if !compiles(ctx) {
			return nil, fmt.Errorf("gcc -m32 does not link programs here although gcc-multilib is installed: see what \"gcc -m32 -v\" says")
		}
	}
	version, err := run.Command{Name: "gcc", Args: []string{"-dumpfullversion"}}.Run(ctx)
	if err != nil {
		return nil, err
	}
	stubs, err := stubLibraries(ctx, cache)
	if err != nil {
		return nil, fmt.Errorf("make stub libraries of the glibc floor: %w", err)
	}
	return &Toolchain{
		Name:    GCC,
		Version: strings.TrimSpace(version),
		CC:      []string{"gcc", "-m32"},
		LinkFlags: append([]string{
			// Without this a symbol that the stubs lack links silently, as
			// an undefined one without a version.
			"-Wl,-z,defs",
			"-nodefaultlibs", "-L" + stubs, "-Wl,--as-needed",
		}, append(linkNames(), "-lgcc")...),
	}, nil
}

// compiles says whether gcc -m32 can link a program, C library included.
func compiles(ctx context.Context) bool {
	if _, err := exec.LookPath("gcc"); err != nil {
		return false
	}
	dir, err := os.MkdirTemp("", "avirkit-gcc-*")
	if err != nil {
		return false
	}
	defer os.RemoveAll(dir)
	_, err = run.Command{
		Name:  "gcc",
		Args:  []string{"-m32", "-x", "c", "-o", filepath.Join(dir, "a.out"), "-"},
		Stdin: strings.NewReader("#include <stdlib.h>\nint main(void) { return abs(0); }\n"),
	}.Run(ctx)
	return err == nil
}

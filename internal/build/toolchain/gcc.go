package toolchain

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/run"
)

// multilib returns Debian's gcc for i386, with stub libraries of the floor.
func multilib(ctx context.Context, cache string) (*Toolchain, error) {
	if compiles(ctx) != nil {
		if err := hostdeps.Need(ctx, "gcc-multilib"); err != nil {
			return nil, fmt.Errorf("gcc -m32 does not link programs here: %w", err)
		}
		if err := compiles(ctx); err != nil {
			return nil, fmt.Errorf("gcc -m32 does not link programs here although gcc-multilib is installed: %w", err)
		}
	}
	version, err := run.Command{Name: "gcc", Args: []string{"-dumpfullversion"}}.Run(ctx)
	if err != nil {
		return nil, err
	}
	tools, err := gccTools(ctx)
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
		Tools:   tools,
		LinkFlags: append([]string{
			// Without this a symbol that the stubs lack links silently, as
			// an undefined one without a version.
			"-Wl,-z,defs",
			"-nodefaultlibs", "-L" + stubs, "-Wl,--as-needed",
		}, append(linkNames(), "-lgcc")...),
	}, nil
}

// gccTools asks gcc and what it runs for their versions. A distribution's
// update of one of them changes what is built.
func gccTools(ctx context.Context) (versions []string, err error) {
	for _, tool := range []string{"gcc", "as", "ld"} {
		path := tool
		if tool != "gcc" {
			out, err := run.Command{Name: "gcc", Args: []string{"-print-prog-name=" + tool}, Unset: Ambient}.Run(ctx)
			if err != nil {
				return nil, err
			}
			path = strings.TrimSpace(out)
		}
		version, err := VersionLine(ctx, path)
		if err != nil {
			return nil, err
		}
		versions = append(versions, version)
	}
	return versions, nil
}

// VersionLine returns the first line of what a program says of its version.
func VersionLine(ctx context.Context, program string) (string, error) {
	out, err := run.Command{Name: program, Args: []string{"--version"}, Env: []string{"LC_ALL=C"}, Unset: Ambient}.Run(ctx)
	line, _, _ := strings.Cut(out, "\n")
	return line, err
}

// compiles tries whether gcc -m32 can link a program, C library included.
func compiles(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "avirkit-gcc-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	_, err = run.Command{
		Name:  "gcc",
		Unset: Ambient,
		Args:  []string{"-m32", "-x", "c", "-o", filepath.Join(dir, "a.out"), "-"},
		Stdin: strings.NewReader("#include <stdlib.h>\nint main(void) { return abs(0); }\n"),
	}.Run(ctx)
	return err
}

package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/run"
)

// debugFile is where the debug information of a file is staged.
func (t *target) debugFile(file string) string {
	return filepath.Join(t.stage, DirDebug, t.platform.Name, filepath.Base(file)+".debug")
}

// split writes the file at full without symbols to stripped, and what gdb
// needs beside it into the file that the stripped one's debuglink names.
func (t *target) split(ctx context.Context, full, stripped string) error {
	debug := t.debugFile(stripped)
	for _, d := range []string{filepath.Dir(debug), filepath.Dir(stripped)} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	if err := objcopy(ctx, "--only-keep-debug", full, debug); err != nil {
		return err
	}
	if err := objcopy(ctx, "--strip-all", "--remove-section=.comment", "--add-gnu-debuglink="+debug, full, stripped); err != nil {
		return err
	}
	// gdb only reads it.
	return os.Chmod(debug, 0o644)
}

// linkByID makes the link by which gdb finds the debug information of a file with
// this build id.
func (t *target) linkByID(file, id string) error {
	if len(id) < 3 {
		return fmt.Errorf("%s: the linker wrote no build id", file)
	}
	debug := t.debugFile(file)
	byID := filepath.Join(filepath.Dir(debug), ".build-id", id[:2])
	if err := os.MkdirAll(byID, 0o755); err != nil {
		return err
	}
	return os.Symlink(filepath.Join("..", "..", filepath.Base(debug)), filepath.Join(byID, id[2:]+".debug"))
}

func objcopy(ctx context.Context, args ...string) error {
	_, err := run.Command{
		Name: "objcopy", Args: append([]string{"--enable-deterministic-archives"}, args...), Unset: toolchain.Ambient,
	}.Run(ctx)
	return err
}

// Package targets holds what the mage targets do; magefile.go only names them.
package targets

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/avirkit/avirkit/internal/audit"
	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/run"
)

// Build builds dist with the toolchain that AVIR_TOOLCHAIN names.
func Build(ctx context.Context) error {
	root, err := run.Root()
	if err != nil {
		return err
	}
	_, err = build.Run(ctx, build.Options{Root: root, Toolchain: os.Getenv("AVIR_TOOLCHAIN")})
	return err
}

// Audit prints what the audit says of one library.
func Audit(_ context.Context, file string) error {
	report, err := audit.File(file, build.Policy())
	if err != nil {
		return err
	}
	if err := report.WriteText(os.Stdout); err != nil {
		return err
	}
	if report.Err() != nil {
		return fmt.Errorf("%s does not meet the floor", file)
	}
	return nil
}

// Clean removes what the targets made.
func Clean(context.Context) error {
	root, err := run.Root()
	if err != nil {
		return err
	}
	for _, name := range []string{"dist", ".cache"} {
		dir := filepath.Join(root, name)
		if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		run.Printf("removed %s", dir)
	}
	return nil
}

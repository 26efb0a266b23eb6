package build

import (
	"context"
	"debug/elf"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/run"
)

// split writes the file at full without symbols to stripped, and what gdb
// needs beside it into the platform's debug folder: NAME.debug, which the
// stripped file's debuglink names, and a link to it by build id.
func (t *target) split(ctx context.Context, full, stripped string) error {
	dir := filepath.Join(t.stage, DirDebug, t.platform.Name)
	debug := filepath.Join(dir, filepath.Base(stripped)+".debug")
	for _, d := range []string{dir, filepath.Dir(stripped)} {
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
	if err := os.Chmod(debug, 0o644); err != nil {
		return err
	}
	id, err := buildID(full)
	if err != nil {
		return err
	}
	byID := filepath.Join(dir, ".build-id", id[:2])
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

// buildID returns the file's build id in hexadecimal.
func buildID(path string) (string, error) {
	f, err := elf.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	s := f.Section(".note.gnu.build-id")
	if s == nil {
		return "", fmt.Errorf("%s: the linker wrote no build id", path)
	}
	note, err := s.Data()
	const header = 16 // three words and the name "GNU\0"
	if err != nil {
		return "", fmt.Errorf("%s: read the build id: %w", path, err)
	}
	if len(note) < header+2 {
		return "", fmt.Errorf("%s: the build id note has only %d bytes", path, len(note))
	}
	return hex.EncodeToString(note[header:]), nil
}

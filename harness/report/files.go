package report

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/harness/wholefile"
)

// WriteFile writes beside and renames, so that no reader sees half a report. A
// link stays and its target is written; what is no regular file, as a device or
// a pipe, is opened and written to.
func WriteFile(path string, data []byte) error {
	target, beside := Target(path)
	write := wholefile.Write
	if !beside {
		write = writeTo
	}
	if err := write(target, data); err != nil {
		return fmt.Errorf("write the report %s: %w", path, err)
	}
	return nil
}

// Target returns the file that a report at path would be written to, and
// whether it may be replaced by another file.
func Target(path string) (target string, beside bool) {
	for _, stream := range []string{"/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/"} {
		if strings.HasPrefix(path, stream) { // perhaps a file that others write to
			return path, false
		}
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil { // nothing there, unless it is a link to nothing
		_, err := os.Lstat(path)
		return path, err != nil
	}
	info, err := os.Stat(target)
	return target, err == nil && info.Mode().IsRegular()
}

func writeTo(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

package install

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/systems/rootfs"
)

// scriptTools are the programs that the scripts call.
var scriptTools = []string{"dash", "cat", "cp", "find", "grep", "head", "ln", "mkdir", "mv", "od", "rm", "rmdir", "tail", "timeout", "tr"}

// shell stands for /bin/sh in the install root: it writes down the scriptlet's
// first line and its argument, and runs it.
const shell = `#!/usr/bin/dash
read -r first <"$1"
echo "$2 $first" >>` + bench + `/calls
exec /usr/bin/dash "$@"
`

// makeRPMRoot makes a tree with as much of this machine as the packages'
// scripts and the hosts need.
func (k *kit) makeRPMRoot(ctx context.Context, dir string) (rootfs.Root, error) {
	r := rootfs.Root{Dir: dir}
	for _, d := range []string{"usr/bin", "usr/share/doc", "usr/lib", "usr/lib64", "opt", "var/lib/rpm", "var/tmp", "tmp", "etc", "dev", "root", "proc"} {
		if err := os.MkdirAll(r.Path(d), 0o755); err != nil {
			return r, fmt.Errorf("make an install root: %w", err)
		}
	}
	for _, l := range []string{"bin", "lib", "lib64"} {
		if err := os.Symlink("usr/"+l, r.Path(l)); err != nil {
			return r, fmt.Errorf("make an install root: %w", err)
		}
	}
	const null = 1<<8 | 3
	if err := syscall.Mknod(r.Path("dev/null"), syscall.S_IFCHR|0o666, null); err != nil {
		return r, fmt.Errorf("make the install root's /dev/null: %w", err)
	}
	var programs []string
	for _, tool := range scriptTools {
		programs = append(programs, "/usr/bin/"+tool)
	}
	if err := copyPrograms(ctx, r, programs); err != nil {
		return r, err
	}
	if err := atomicdir.WriteFile(r.Path("usr/bin/sh"), []byte(shell), 0o755); err != nil {
		return r, err
	}
	if err := k.putHosts(r); err != nil {
		return r, err
	}
	files, err := filepath.Glob(filepath.Join(k.current.dist, "*", "*"))
	if err != nil {
		return r, err
	}
	return r, copyLibraries(ctx, r, files)
}

func copyPrograms(ctx context.Context, r rootfs.Root, programs []string) error {
	for _, p := range programs {
		if err := copyFile(r, p); err != nil {
			return err
		}
	}
	return copyLibraries(ctx, r, programs)
}

var lddPath = regexp.MustCompile(`(/\S+) \(0x`)

// copyLibraries copies all that the dynamic linker would load for the files.
func copyLibraries(ctx context.Context, r rootfs.Root, files []string) error {
	out, err := run.Command{Name: "ldd", Args: files}.Run(ctx)
	if err != nil {
		return err
	}
	var paths []string
	for _, m := range lddPath.FindAllStringSubmatch(out, -1) {
		paths = append(paths, m[1])
	}
	slices.Sort(paths)
	for _, path := range slices.Compact(paths) {
		if err := copyFile(r, path); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(r rootfs.Root, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("copy this machine's %s into an install root: %w", path, err)
	}
	return atomicdir.WriteFile(r.Path(path), data, 0o755)
}

package install

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/rpm"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/run"
)

// scriptTools are the programs that the scripts call.
var scriptTools = []string{"dash", "cat", "grep", "mkdir", "mv", "rm", "rmdir"}

// scriptNeeds are the packages and files which hold them on every EL.
var scriptNeeds = []string{"/bin/sh", "coreutils", "grep"}

// shell stands for /bin/sh in the install root: it writes down the scriptlet's
// first line and its argument, and runs it.
const shell = `#!/usr/bin/dash
read -r first <"$1"
echo "$2 $first" >>` + bench + `/calls
exec /usr/bin/dash "$@"
`

// makeRPMRoot makes a tree with as much of this machine as the packages'
// scripts and the 32-bit host need.
func (k *kit) makeRPMRoot(ctx context.Context, dir string) (root, error) {
	r := root{dir: dir}
	for _, d := range []string{"usr/bin", "usr/share/doc", "usr/lib", "usr/lib64", "opt", "var/lib/rpm", "var/tmp", "tmp", "etc", "dev", "root"} {
		if err := os.MkdirAll(r.path(d), 0o755); err != nil {
			return r, fmt.Errorf("make an install root: %w", err)
		}
	}
	for _, l := range []string{"bin", "lib", "lib64"} {
		if err := os.Symlink("usr/"+l, r.path(l)); err != nil {
			return r, fmt.Errorf("make an install root: %w", err)
		}
	}
	const null = 1<<8 | 3
	if err := syscall.Mknod(r.path("dev/null"), syscall.S_IFCHR|0o666, null); err != nil {
		return r, fmt.Errorf("make the install root's /dev/null: %w", err)
	}
	var programs []string
	for _, tool := range scriptTools {
		programs = append(programs, "/usr/bin/"+tool)
	}
	if err := copyPrograms(ctx, r, programs); err != nil {
		return r, err
	}
	if err := atomicdir.WriteFile(r.path("usr/bin/sh"), []byte(shell), 0o755); err != nil {
		return r, err
	}
	if err := k.putHost(r); err != nil {
		return r, err
	}
	libraries, err := filepath.Glob(filepath.Join(k.current.dist, "linux-386", "avir_*.so"))
	if err != nil {
		return r, err
	}
	return r, copyLibraries(ctx, r, append(libraries, r.path(bench+"/avserver")))
}

func copyPrograms(ctx context.Context, r root, programs []string) error {
	for _, p := range programs {
		if err := copyFile(r, p); err != nil {
			return err
		}
	}
	return copyLibraries(ctx, r, programs)
}

var lddPath = regexp.MustCompile(`(/\S+) \(0x`)

// copyLibraries copies all that the dynamic linker would load for the files.
func copyLibraries(ctx context.Context, r root, files []string) error {
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

func copyFile(r root, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("copy this machine's %s into an install root: %w", path, err)
	}
	return atomicdir.WriteFile(r.path(path), data, 0o755)
}

// writeStub makes the package that stands for EL6's glibc, shell and tools: it holds
// nothing and provides what those provide for 32-bit programs.
func writeStub(dir string) (string, error) {
	provides := append([]string{"rtld(GNU_HASH)"}, scriptNeeds...)
	for _, soname := range []string{"libc.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libm.so.6", "libresolv.so.2", "ld-linux.so.2"} {
		provides = append(provides, soname)
		for _, v := range strings.Fields("2.0 2.1 2.1.1 2.1.2 2.1.3 2.2 2.2.1 2.2.2 2.2.3 2.2.4 2.2.6 2.3 2.3.2 2.3.3 2.3.4 2.4 2.5 2.6 2.7 2.8 2.9 2.10 2.11 2.12") {
			provides = append(provides, fmt.Sprintf("%s(GLIBC_%s)", soname, v))
		}
	}
	info := nfpm.WithDefaults(&nfpm.Info{
		Name: "glibc", Version: "2.12", Release: "1", VersionSchema: "none", Arch: "386",
		Description: "stands for EL6's glibc, shell and tools", License: "none", Maintainer: "test <test@example.org>",
		Overridables: nfpm.Overridables{Provides: provides, RPM: nfpm.RPM{Arch: "i686"}},
	})
	path := filepath.Join(dir, rpm.DefaultRPM.ConventionalFileName(info))
	var b bytes.Buffer
	if err := rpm.DefaultRPM.Package(info, &b); err != nil {
		return "", fmt.Errorf("build the stub of glibc: %w", err)
	}
	return path, atomicdir.WriteFile(path, b.Bytes(), 0o644)
}

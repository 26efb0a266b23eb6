// Package rootfs makes the file trees of whole systems, Debian's or with rpm,
// and runs programs in them. Installing packages, making boxes for virtual
// machines and the test of the kernel floor all use it.
package rootfs

import (
	"context"
	"os"
	"path/filepath"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/run"
)

// Root is the file tree of a system.
type Root struct{ Dir string }

// Path returns the path, seen from outside, of a file in the tree.
func (r Root) Path(name string) string { return filepath.Join(r.Dir, name) }

// Runs says whether the tree has the dynamic linker of a platform. That may be
// a link to an absolute path, which leads elsewhere when it is seen from outside.
func (r Root) Runs(p *platform.Platform) bool {
	_, err := os.Lstat(r.Path(p.Loader))
	return err == nil
}

// Run runs a program of the tree in it, and returns its standard output.
func (r Root) Run(ctx context.Context, name string, args ...string) (string, error) {
	return r.Command(name, args...).Run(ctx)
}

// Command returns a command that runs a program of the tree in it. Its mounts
// and its processes end with it. The tree must have a folder proc.
func (r Root) Command(name string, args ...string) run.Command {
	return isolated(nil, "--mount-proc="+r.Path("proc"), append([]string{"chroot", r.Dir, name}, args...)...)
}

// environment is all that a program in a tree gets to know of its caller's
// world. HOME matters: Debian's rpm keeps its database there. No name of a
// proxy is in it, as the tests' web servers are on this machine.
var environment = []string{
	"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TMPDIR=/tmp", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive",
}

// isolated returns a command with this environment only, in namespaces of
// mounts and processes of its own: none of either stays behind, whatever
// happens.
func isolated(env []string, mountProc string, command ...string) run.Command {
	args := []string{"--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", mountProc, "env", "-i"}
	args = append(append(args, environment...), env...)
	return run.Command{Name: "unshare", Args: append(args, command...)}
}

// Write writes a file of the tree, with exactly this mode.
func (r Root) Write(name, content string, mode os.FileMode) error {
	return atomicdir.WriteFile(r.Path(name), []byte(content), mode)
}

package toolchain

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/versions"
)

// The lock file holds an integrity hash for every package, which npm checks,
// and no registry addresses.
//
//go:embed npm/package.json npm/package-lock.json
var npmFiles embed.FS

// NeedsNpm says whether a build with zig would first look for npm in vain.
func NeedsNpm(ctx context.Context, cache string) (bool, error) {
	t, err := FindZig(ctx, cache)
	return err == nil && t == nil && npmPlatform() != "" && !npmThere(), err
}

func npmThere() bool {
	_, err := exec.LookPath("npm")
	return err == nil
}

// npmZig installs zig with npm below cache: in a folder beside the final one,
// which is renamed when it is whole.
func npmZig(ctx context.Context, cache string) (*Toolchain, error) {
	if npmPlatform() == "" {
		return nil, fmt.Errorf("npm has no zig for %s/%s in our lock file: install zig %s and put it into PATH", runtime.GOOS, runtime.GOARCH, versions.Zig)
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return nil, err
	}
	if err := runsPrograms(cache); err != nil {
		return nil, err
	}
	if !npmThere() {
		if err := hostdeps.Need(ctx, "npm"); err != nil {
			return nil, fmt.Errorf("zig %s is not in PATH and comes through npm: %w", versions.Zig, err)
		}
	}
	dir := npmDir(cache)
	err := atomicdir.Replace(dir, func(tmp string) error { return npmInstall(ctx, tmp) })
	if err != nil {
		return nil, err
	}
	return zigAt(ctx, npmBinary(dir), npmLib(dir), cache)
}

// npmInstall installs what our lock file names in the folder dir.
func npmInstall(ctx context.Context, dir string) error {
	files, err := fs.Sub(npmFiles, "npm")
	if err != nil {
		return err
	}
	if err := os.CopyFS(dir, files); err != nil {
		return err
	}
	size := func() string { return fmt.Sprintf("%d MB of about 400", treeSize(dir)>>20) }
	cache := filepath.Join(dir, "npm-cache")
	err = run.Step(ctx, "npm installs zig "+versions.Zig, size, func(ctx context.Context) (string, error) {
		_, err := run.Command{
			Name: "npm", Dir: dir,
			Args: []string{"ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--cache", cache},
		}.Run(ctx)
		return "", npmError(err)
	})
	return errors.Join(err, os.RemoveAll(cache))
}

var npmCode = regexp.MustCompile(`(?m)npm (?:error|ERR!) code (\S+)`)

// npmError says in one line what npm says in twenty.
func npmError(err error) error {
	if err == nil {
		return nil
	}
	cause := "npm failed"
	if m := npmCode.FindStringSubmatch(err.Error()); m != nil {
		cause = "npm failed with " + m[1]
	}
	return fmt.Errorf("%s: check the network and the disk, or put zig %s into PATH, or use AVIR_TOOLCHAIN=gcc (mage -v shows npm's own words)", cause, versions.Zig)
}

func npmDir(cache string) string { return filepath.Join(cache, "zig-"+versions.Zig) }
func npmLib(dir string) string   { return filepath.Join(dir, "node_modules", "@zigc", "lib") }
func npmBinary(dir string) string {
	return filepath.Join(dir, "node_modules", "@zigc", npmPlatform(), "bin", "zig")
}

// npmPlatform is the package of zig's program for this machine, in npm's
// words; empty where our lock file has none.
func npmPlatform() string {
	if runtime.GOOS == "linux" && runtime.GOARCH == "amd64" {
		return "linux-x64"
	}
	return ""
}

func treeSize(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}

// errNoExec says that a program can't be started where it is.
var errNoExec = errors.New("on a file system that runs no programs (it is mounted noexec)")

// runsPrograms fails if the file system of a folder is mounted noexec.
func runsPrograms(dir string) error {
	if !run.NoExec(dir) {
		return nil
	}
	return fmt.Errorf("zig would be in %s, %w: move the checkout, or set ZIG to a zig %s elsewhere", dir, errNoExec, versions.Zig)
}

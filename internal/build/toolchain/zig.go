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
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/versions"
)

// The lock file holds an integrity hash for every package, which npm checks,
// and no registry addresses.
//
//go:embed npm/package.json npm/package-lock.json
var npmFiles embed.FS

// FindZig returns a zig that is there: $ZIG, a zig in PATH, or the zig that npm
// installed earlier below cache. It returns nil and no error when none has the
// right version, and an error when $ZIG names an unusable program. A zig of the
// user's is known by the version that it prints; npm checks what it fetches by
// hash.
func FindZig(ctx context.Context, cache string) (*Toolchain, error) {
	if name := os.Getenv("ZIG"); name != "" {
		t, err := namedZig(ctx, name, cache)
		if err != nil {
			return nil, fmt.Errorf("ZIG=%s: %w: set ZIG to a zig %s, or unset it", name, err, versions.Zig)
		}
		t.Why = "ZIG names it, and its version is right"
		return t, nil
	}
	path, err := exec.LookPath("zig")
	if err == nil {
		if t, err := zigAt(ctx, path, "", cache); err == nil {
			t.Why = "it is in PATH, and its version is right"
			return t, nil
		}
		// Another version is no obstacle: npm brings the right one.
	}
	if dir := npmDir(cache); run.Exists(npmBinary(dir)) {
		if err := runsPrograms(dir); err != nil {
			return nil, err
		}
		t, err := zigAt(ctx, npmBinary(dir), npmLib(dir), cache)
		if err != nil {
			return nil, fmt.Errorf("%s: %w: remove this folder", dir, err)
		}
		t.Why = "npm installed it earlier"
		return t, nil
	}
	return nil, nil
}

// errNoExec says that a program can't be started where it is.
var errNoExec = errors.New("on a file system that runs no programs (it is mounted noexec)")

// runsPrograms fails if the file system of a folder is mounted noexec.
func runsPrograms(dir string) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil || fs.Flags&unix.MS_NOEXEC == 0 {
		return nil // the program itself will tell
	}
	return fmt.Errorf("zig would be in %s, %w: move the checkout, or set ZIG to a zig %s elsewhere", dir, errNoExec, versions.Zig)
}

// namedZig takes a path, or a name to look up in PATH.
func namedZig(ctx context.Context, name, cache string) (*Toolchain, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, fmt.Errorf("can't run it: %w", err)
	}
	return zigAt(ctx, path, "", cache)
}

// zigAt makes a toolchain of the zig at path; lib is its library folder when
// it doesn't find that by itself.
func zigAt(ctx context.Context, path, lib, cache string) (*Toolchain, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	version, err := ask(ctx, path, "version")
	if err != nil {
		return nil, err
	}
	if v := strings.TrimSpace(version); v != versions.Zig {
		return nil, fmt.Errorf("is version %.40q, not %s", v, versions.Zig)
	}
	if lib == "" {
		if lib, err = zigLib(ctx, path); err != nil {
			return nil, err
		}
	}
	if strings.ContainsAny(path+lib, "'\"\n") {
		return nil, errors.New("has quotes in its path, which the go command can't pass on")
	}
	return &Toolchain{Name: Zig, Version: versions.Zig, Path: path, zigLib: lib, cache: cache}, nil
}

// zigCompilers tells how zig compiles for some platforms.
func (t *Toolchain) zigCompilers(platforms []*platform.Platform) {
	t.Compilers = map[*platform.Platform]*Compiler{}
	for _, p := range platforms {
		flags := []string{"-target", p.ZigTarget,
			// zig's C mode adds checks of undefined behaviour that abort.
			"-fno-sanitize=undefined",
			// The folder of its headers goes into debug information, and so
			// into build ids.
			"-ffile-prefix-map=" + t.zigLib + "=zig"}
		t.Compilers[p] = &Compiler{
			CC:        append([]string{t.Path, "cc"}, flags...),
			CXX:       append([]string{t.Path, "c++"}, flags...),
			LinkFlags: []string{"-Wl,-z,defs"},
			LLD:       true,
		}
	}
}

var libDir = regexp.MustCompile(`\.lib_dir = "([^"]+)"`)

// answerTime is how long a zig may take to tell about itself.
var answerTime = 10 * time.Second

// ask runs one of zig's commands that only print.
func ask(ctx context.Context, path, command string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, answerTime, fmt.Errorf("no answer in %v", answerTime))
	defer cancel()
	out, err := run.Command{Name: path, Args: []string{command}}.Run(ctx)
	if err != nil {
		line, _, _ := strings.Cut(err.Error(), "\n")
		return "", fmt.Errorf("can't run it: %s", line)
	}
	return out, nil
}

// zigLib asks zig for its library folder, which it tells relative to the
// current one if it lies below that.
func zigLib(ctx context.Context, path string) (string, error) {
	out, err := ask(ctx, path, "env")
	if err != nil {
		return "", err
	}
	m := libDir.FindStringSubmatch(out)
	if m == nil {
		return "", fmt.Errorf("its command env tells no lib_dir")
	}
	return filepath.Abs(m[1])
}

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

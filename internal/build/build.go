// Package build makes everything that goes into dist: the plugins, the
// harness, their debug information, a manifest and checksums.
//
// All of it is made in a stage folder and audited there. Only what was built as
// a whole is swapped into dist.
package build

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/versions"
)

// Options say what to build and where to.
type Options struct {
	Root      string               // the checkout
	Toolchain string               // as toolchain.Pick takes it
	Keep      bool                 // if Toolchain is empty, take the one that made what is in Dist, and a plugin's platforms
	Dist      string               // where the results go; empty: Root/dist, or dist in the folder Plugin
	Plugin    string               // a plugin's folder outside of the checkout, to build alone
	Platforms []*platform.Platform // what to build for; none: all of them
}

// DirDebug is the folder of dist that holds debug information, in a folder for
// each platform; the platforms have folders by their names.
const DirDebug = "debug"

// A builder is one run of Run.
type builder struct {
	Options
	cache    string
	stage    string
	linked   string // where linkers write, if not in stage: they can't write to every name that a vendor's folder may have
	tc       *toolchain.Toolchain
	objcopy  string   // its version
	targetGo []string // the environment of TargetGo
}

// newBuilder returns a builder whose tools are there.
func newBuilder(ctx context.Context, o Options) (*builder, error) {
	if len(o.Platforms) == 0 {
		o.Platforms = platform.All
	}
	b := &builder{Options: o, cache: filepath.Join(o.Root, ".cache")}
	plugins, err := b.plugins()
	if err != nil {
		return nil, err
	}
	if _, err := readVersion(cmp.Or(o.Plugin, o.Root)); err != nil {
		return nil, err
	}
	for _, p := range plugins {
		if err := p.check(o.Platforms...); err != nil {
			return nil, err
		}
	}
	err = needObjcopy(ctx)
	if err != nil {
		return nil, err
	}
	if b.objcopy, err = toolchain.VersionLine(ctx, "objcopy"); err != nil {
		return nil, err
	}
	if b.targetGo, err = TargetGo(ctx, o.Root); err != nil {
		return nil, err
	}
	b.tc, err = toolchain.Pick(ctx, o.Toolchain, b.cache, o.Platforms...)
	return b, err
}

// Run builds what is not up to date and returns the manifest of dist.
func Run(ctx context.Context, o Options) (*Manifest, error) {
	if o.Plugin != "" {
		var err error
		if o.Plugin, err = filepath.Abs(o.Plugin); err != nil {
			return nil, err
		}
	}
	if o.Dist == "" {
		o.Dist = filepath.Join(cmp.Or(o.Plugin, o.Root), "dist")
	}
	if err := Passable(o.Root); err != nil {
		return nil, err
	}
	unlock, err := Lock(ctx, o.Root)
	if err != nil {
		return nil, err
	}
	defer unlock()

	kept := false
	if o.Keep && o.Toolchain == "" {
		if made, err := ReadManifest(o.Dist); err == nil {
			o.Toolchain, kept = made.Toolchain, true
			if o.Plugin != "" && len(o.Platforms) == 0 && len(made.Platforms) < len(platform.All) {
				o.Platforms = made.BuiltFor()
				run.Printf("  !! only for %s, as it was built: build it without -platform for all", platform.Names(o.Platforms))
			}
		}
	}
	b, err := newBuilder(ctx, o)
	if err != nil {
		return nil, explainFull(err)
	}
	if kept {
		b.tc.Why = "it made what is in " + o.Dist + ", and AVIR_TOOLCHAIN names no other"
	}
	run.Printf("toolchain %s: %s", b.tc, b.tc.Why)
	inputs, err := b.inputs(ctx)
	if err != nil {
		return nil, err
	}
	if m := upToDate(o.Dist, inputs); m != nil {
		run.Printf("up to date: %s", o.Dist)
		return m, nil
	}
	// In dist, so that the results are moved into place within one file system.
	if b.stage, err = stageIn(o.Dist); err != nil {
		return nil, err
	}
	defer os.RemoveAll(b.stage)
	if b.Plugin != "" {
		if b.linked, err = stageIn(filepath.Join(b.cache, "linked")); err != nil {
			return nil, err
		}
		defer os.RemoveAll(b.linked)
	}
	m, err := b.all(ctx)
	if err != nil {
		return nil, explainFull(err)
	}
	m.Inputs = inputs
	if err := b.publish(m); err != nil {
		return nil, explainFull(err)
	}
	for _, f := range m.Files {
		run.Printf("  %s", filepath.Join(o.Dist, f.Path))
	}
	return m, nil
}

// Passable refuses a checkout whose name can't be passed to the linker: the go
// command splits its flags at blanks and quotes, the compiler at commas, and LLD
// puts a number for each %.
func Passable(root string) error {
	if strings.ContainsAny(root, " \t\n'\",%") {
		return fmt.Errorf("%q has blanks, quotes, commas or %%, which can't be passed on to the linker: move the checkout", root)
	}
	return nil
}

// stageIn makes an empty folder in dir, and removes what killed builds left.
func stageIn(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", writable(dir, err)
	}
	for _, path := range matching(dir, ".stage-*") {
		os.RemoveAll(path)
	}
	stage, err := os.MkdirTemp(dir, ".stage-*")
	return stage, writable(dir, err)
}

// writable says what to do where the folder of the results refuses them.
func writable(dir string, err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("%w: results go into %s: make it writable, or build a copy of %s", err, dir, filepath.Dir(dir))
	}
	return err
}

// matching returns what in dir has a name that matches pattern. In
// filepath.Glob the folder's own name would be a pattern too.
func matching(dir, pattern string) (paths []string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if ok, _ := filepath.Match(pattern, e.Name()); ok {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths
}

// needObjcopy makes sure that debug information can be split off.
func needObjcopy(ctx context.Context) error {
	if _, err := exec.LookPath("objcopy"); err == nil {
		return nil
	}
	if err := hostdeps.Need(ctx, "binutils"); err != nil {
		return fmt.Errorf("debug information is split off with objcopy: %w", err)
	}
	return nil
}

// fetchGo lets the go command fetch the Go release of the target systems, so
// that the builds don't wait for it one by one.
func (b *builder) fetchGo(ctx context.Context) error {
	return run.Step(ctx, versions.TargetGo, nil, func(ctx context.Context) (string, error) {
		_, err := run.Command{Name: "go", Args: []string{"version"}, Dir: filepath.Join(b.Root, "plugins"), Env: b.targetGo}.Run(ctx)
		if err != nil && ctx.Err() == nil {
			lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
			err = fmt.Errorf("can't fetch it: %s: check the network and GOPROXY", strings.TrimSpace(lines[len(lines)-1]))
		}
		return "", err
	})
}

// explainFull says in one line that the disk is full, however deep in some
// tool's output that was found out.
func explainFull(err error) error {
	if errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), "no space left on device") || strings.Contains(err.Error(), "NoSpaceLeft") {
		step, _, _ := strings.Cut(err.Error(), ": ")
		return fmt.Errorf("the disk is full: free some space and build again (it failed at: %.100s)", step)
	}
	return err
}

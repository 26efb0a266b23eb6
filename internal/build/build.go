// Package build makes everything that goes into dist: the plugins, the
// harness, their debug information, a manifest and checksums.
//
// All of it is made in a stage folder and audited there. Only what was built as
// a whole is swapped into dist.
package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/avirkit/avirkit/internal/debian"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/toolchain"
	"github.com/avirkit/avirkit/internal/versions"
)

// Options say what to build and where to.
type Options struct {
	Root      string // the checkout
	Toolchain string // as toolchain.Pick takes it
	Dist      string // where the results go; empty: Root/dist
}

// Folders of dist.
const (
	Dir386   = "linux-386"   // what runs on target systems, and the host
	DirAMD64 = "linux-amd64" // the harness for the developer's machine
	DirDebug = "debug"       // debug information of what is in Dir386
)

// A builder is one run of Run.
type builder struct {
	Options
	cache string
	stage string
	tc    *toolchain.Toolchain
}

// Run builds what is not up to date and returns the manifest of dist.
func Run(ctx context.Context, o Options) (*Manifest, error) {
	if o.Dist == "" {
		o.Dist = filepath.Join(o.Root, "dist")
	}
	b := &builder{Options: o, cache: filepath.Join(o.Root, ".cache")}
	unlock, err := lock(ctx, b.cache)
	if err != nil {
		return nil, err
	}
	defer unlock()

	if b.tc, err = toolchain.Pick(ctx, o.Toolchain, b.cache); err != nil {
		return nil, err
	}
	run.Printf("toolchain %s: %s", b.tc, b.tc.Why)
	inputs, err := b.inputs()
	if err != nil {
		return nil, err
	}
	if m := upToDate(o.Dist, inputs); m != nil {
		run.Printf("up to date: %s", o.Dist)
		return m, nil
	}
	if err := needObjcopy(ctx); err != nil {
		return nil, err
	}
	// In dist, so that the results are moved into place within one file system.
	if b.stage, err = stageIn(o.Dist); err != nil {
		return nil, err
	}
	defer os.RemoveAll(b.stage)
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

// stageIn makes an empty folder in dir, and removes what killed builds left.
func stageIn(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	old, _ := filepath.Glob(filepath.Join(dir, ".stage-*"))
	for _, path := range old {
		os.RemoveAll(path)
	}
	return os.MkdirTemp(dir, ".stage-*")
}

// needObjcopy makes sure that debug information can be split off.
func needObjcopy(ctx context.Context) error {
	if _, err := exec.LookPath("objcopy"); err == nil {
		return nil
	}
	if err := debian.Need(ctx, "binutils"); err != nil {
		return fmt.Errorf("debug information is split off with objcopy: %w", err)
	}
	return nil
}

// all builds everything into the stage folder.
func (b *builder) all(ctx context.Context) (*Manifest, error) {
	for _, dir := range []string{Dir386, DirAMD64, DirDebug} {
		if err := os.MkdirAll(filepath.Join(b.stage, dir), 0o755); err != nil {
			return nil, err
		}
	}
	if err := b.fetchGo(ctx); err != nil {
		return nil, err
	}
	var plugins []func(context.Context) error
	found, err := Plugins(b.Root)
	if err != nil {
		return nil, err
	}
	facts := make([]*Library, len(found))
	for i, p := range found {
		plugins = append(plugins, func(ctx context.Context) (err error) {
			facts[i], err = b.plugin(ctx, p)
			return err
		})
	}
	err = run.Parallel(ctx, append(plugins, b.avserver, b.harness)...)
	if err != nil {
		return nil, err
	}
	return b.manifest(facts)
}

// fetchGo lets the go command fetch the Go release of the target systems, so
// that the builds don't wait for it one by one.
func (b *builder) fetchGo(ctx context.Context) error {
	return run.Step(ctx, versions.TargetGo, nil, func(ctx context.Context) (string, error) {
		_, err := run.Command{
			Name: "go", Args: []string{"version"},
			Dir: filepath.Join(b.Root, "plugins"), Env: goEnv("386"),
			Hint: "the go command fetches " + versions.TargetGo + " through the module proxy: check the network and GOPROXY",
		}.Run(ctx)
		return "", err
	})
}

// lock keeps two builds of one checkout from each other.
func lock(ctx context.Context, cache string) (unlock func(), err error) {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(cache, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	take := func(how int) error { return syscall.Flock(int(f.Fd()), how) }
	if err := take(syscall.LOCK_EX | syscall.LOCK_NB); err != nil {
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		run.Printf("waiting for another build of this checkout")
		locked := make(chan error, 1)
		go func() { locked <- take(syscall.LOCK_EX) }()
		select {
		case err = <-locked:
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
	}
	// What a killed build left behind is of no use to anyone.
	for _, pattern := range []string{"zig-npm-*", "glibc-stubs-*.tmp"} {
		old, _ := filepath.Glob(filepath.Join(cache, pattern))
		for _, dir := range old {
			os.RemoveAll(dir)
		}
	}
	return func() { f.Close() }, nil
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

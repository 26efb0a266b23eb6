package build

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/run"
)

// A target is one platform in a build.
type target struct {
	*builder
	platform *platform.Platform
	compiler *toolchain.Compiler
}

func (b *builder) target(p *platform.Platform) *target {
	return &target{builder: b, platform: p, compiler: b.tc.Compilers[p]}
}

// staged is where a file of the platform lies in the stage folder.
func (t *target) staged(name string) string { return filepath.Join(t.stage, t.platform.Name, name) }

// work is the platform's folder for what linkers write.
func (t *target) work() string {
	return filepath.Join(cmp.Or(t.linked, t.stage), "work", t.platform.Name)
}

// all builds everything into the stage folder.
func (b *builder) all(ctx context.Context) (*Manifest, error) {
	if err := b.fetchGo(ctx); err != nil {
		return nil, err
	}
	plugins, err := b.plugins()
	if err != nil {
		return nil, err
	}
	if err := b.prepare(ctx); err != nil {
		return nil, err
	}
	for _, p := range b.Platforms {
		if err := b.target(p).folders(); err != nil {
			return nil, err
		}
	}
	chains, facts := b.chains(plugins)
	jobs, ctxOfJobs := errgroup.WithContext(ctx)
	jobs.SetLimit(run.AtOnce(jobMemory))
	for _, c := range chains {
		jobs.Go(func() error { return c.run(ctxOfJobs) })
	}
	if err := jobs.Wait(); err != nil {
		return nil, err
	}
	if err := b.introductions(ctx, plugins); err != nil {
		return nil, err
	}
	for _, dir := range b.folders() {
		if err := atomicdir.Readable(filepath.Join(b.stage, dir)); err != nil {
			return nil, err
		}
	}
	return b.manifest(facts)
}

// A chain holds steps that run one after the other.
type chain []func(context.Context) error

func (c chain) run(ctx context.Context) error {
	for _, step := range c {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// chains returns what may run at the same time, the longest first, and what the
// manifest will tell of the plugins. A platform's go commands are in two chains,
// one for its libraries and one for its programs: those at the same time would
// each compile the packages that they have in common.
func (b *builder) chains(plugins []Plugin) (chains []chain, facts []*Library) {
	var programs, inC []chain
	for _, p := range b.Platforms {
		t := b.target(p)
		var libraries, others chain
		for _, plugin := range plugins {
			l := &Library{Platform: p.Name, Name: plugin.Name}
			facts = append(facts, l)
			step := func(ctx context.Context) error { return t.plugin(ctx, plugin, l) }
			if plugin.c != nil {
				inC = append(inC, chain{step})
			} else {
				libraries = append(libraries, step)
			}
		}
		for _, program := range goPrograms {
			if b.Plugin != "" && program.name != "harness" {
				continue // the rest is for administrators of avir_clam
			}
			others = append(others, func(ctx context.Context) error { return t.goProgram(ctx, program) })
		}
		chains, programs, inC = append(chains, libraries), append(programs, others), append(inC, chain{t.avserver})
	}
	return slices.Concat(chains, programs, inC), facts
}

// prepare lets the toolchain compile what all jobs need.
func (b *builder) prepare(ctx context.Context) error {
	jobs, ctx := errgroup.WithContext(ctx)
	for _, p := range b.Platforms {
		jobs.Go(func() error { return b.tc.Prepare(ctx, p) })
	}
	return jobs.Wait()
}

// folders are the folders of dist that a build makes.
func (b *builder) folders() []string {
	dirs := []string{DirDebug}
	for _, p := range b.Platforms {
		dirs = append(dirs, p.Name)
	}
	return dirs
}

// folders makes the platform's folders in the stage.
func (t *target) folders() error {
	for _, dir := range []string{t.platform.Name, filepath.Join(DirDebug, t.platform.Name)} {
		if err := os.MkdirAll(filepath.Join(t.stage, dir), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// jobMemory is what the largest job takes, in bytes: Go's linker and the C
// compiler that it runs.
const jobMemory = 600 << 20

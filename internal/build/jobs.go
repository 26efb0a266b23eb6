package build

import (
	"cmp"
	"context"
	"os"
	"path/filepath"

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
	jobs, jobContext := errgroup.WithContext(ctx)
	jobs.SetLimit(run.AtOnce(jobMemory))
	var facts []*Library
	for _, p := range b.Platforms {
		t := b.target(p)
		if err := t.folders(); err != nil {
			return nil, err
		}
		for _, plugin := range plugins {
			l := &Library{Platform: p.Name, Name: plugin.Name}
			facts = append(facts, l)
			jobs.Go(func() error { return t.plugin(jobContext, plugin, l) })
		}
		jobs.Go(func() error { return t.avserver(jobContext) })
		for _, program := range goPrograms {
			if b.Plugin != "" && program.name != "harness" {
				continue // the rest is for administrators of avir_clam
			}
			jobs.Go(func() error { return t.goProgram(jobContext, program) })
		}
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

// Package floor shows in seconds, and without a virtual machine, what can be
// shown of the oldest supported systems: it runs the harness with all system
// calls hidden that the oldest kernel lacks, on the oldest system at hand. What
// the libraries ask of glibc has been audited when they were built.
package floor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/systems/session"
	"github.com/avirkit/avirkit/plugins/clam/fakeclamd"
)

// wait is the pause of the waiting test. Whether a connection lasts over
// minutes is for the tests that take minutes.
const wait = 2 * time.Second

// Options say what to test.
type Options struct {
	Root      string // the checkout
	Platforms []*platform.Platform
	Full      bool // full-length waiting test and all repetitions of the hostile one
}

// Run tests the plugins of each platform.
func Run(ctx context.Context, o Options) error {
	_, err := build.Run(ctx, build.Options{Root: o.Root, Toolchain: os.Getenv("AVIR_TOOLCHAIN"), Platforms: o.Platforms})
	if err != nil {
		return err
	}
	s, err := session.Begin(ctx, session.Options{Cache: filepath.Join(o.Root, ".cache", "floor")})
	if err != nil {
		return err
	}
	fake, err := fakeclamd.New("127.0.0.1:0", "")
	if err != nil {
		return errors.Join(err, s.End())
	}
	for _, p := range o.Platforms {
		if err = o.platform(ctx, p, s, fake.Addr); err != nil {
			break
		}
	}
	fake.Close()
	return errors.Join(err, s.End())
}

func (o Options) platform(ctx context.Context, p *platform.Platform, s *session.Session, clamd string) error {
	dist := filepath.Join(o.Root, "dist", p.Name)
	plugins, err := filepath.Glob(filepath.Join(dist, "avir_*.so"))
	if err != nil || len(plugins) == 0 {
		return fmt.Errorf("no plugins in %s: run mage build", dist)
	}
	where, err := oldest(ctx, o.Root, p, s)
	if err != nil {
		return err
	}
	libc, err := where.command("getconf", "GNU_LIBC_VERSION").Run(ctx)
	if err != nil {
		return err
	}
	run.Printf("%s: the harness runs on %s (%s), %s", p.Name, where.what, strings.TrimSpace(libc), where.why)
	t := test{Options: o, platform: p, place: where, clamd: clamd}
	if err := t.run(ctx, dist, plugins); err != nil {
		return err
	}
	run.Printf("Proved for %s: the libraries ask for nothing newer than glibc %s, and pass the harness on %s while every system call newer than Linux %s is refused.",
		p.Name, p.GlibcFloor, where.what, p.KernelFloor)
	run.Printf("Not proved: what the dynamic linker and the threads of glibc %s do, how a real Linux %s behaves, and what dpkg and rpm of that time make of the packages. That takes mage test:vm with the real systems.",
		p.GlibcFloor, p.KernelFloor)
	return nil
}

// test runs the harness for the plugins of one platform in one place.
type test struct {
	Options
	platform *platform.Platform
	place    place
	clamd    string // address of the fake clamd
}

func (t test) run(ctx context.Context, dist string, plugins []string) error {
	inside := filepath.Join(t.place.folder, t.platform.Name)
	for _, file := range append([]string{filepath.Join(dist, "harness"), filepath.Join(dist, "avserver")}, plugins...) {
		if err := atomicdir.CopyFile(filepath.Join(t.place.tree.Path(inside), filepath.Base(file)), file, 0o755); err != nil {
			return err
		}
	}
	failed := make([]error, len(plugins))
	var each errgroup.Group
	for i, plugin := range plugins {
		name := strings.TrimSuffix(filepath.Base(plugin), ".so")
		each.Go(func() error {
			// A plugin that fails does not end the other's tests.
			failed[i] = errors.Join(t.harness(ctx, name, inside), t.keep(name, inside))
			return nil
		})
	}
	_ = each.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return errors.Join(failed...)
}

func (t test) harness(ctx context.Context, name, inside string) error {
	var last run.Tail
	c := t.place.command(filepath.Join(inside, "harness"), t.args(inside, name)...)
	c.Stdout = &last
	step := fmt.Sprintf("harness run all, %s/%s, floor %s", t.platform.Name, name, t.platform.KernelFloor)
	return run.Step(ctx, step, last.Last, func(ctx context.Context) (string, error) {
		_, err := c.Run(ctx)
		return last.Last(), err
	})
}

// args are the arguments of the harness in the folder dir.
func (t test) args(dir, name string) []string {
	args := []string{"run", "all", "--plugin", filepath.Join(dir, name+".so"), "--data", filepath.Join(dir, name+"-data"),
		"--kernel-floor", t.platform.KernelFloor,
		"--junit", filepath.Join(dir, name+".xml"), "--json", filepath.Join(dir, name+".json")}
	if !t.Full {
		args = append(args, "--quick", "--wait", wait.String())
	}
	if name == "avir_clam" {
		address, port, _ := strings.Cut(t.clamd, ":")
		args = append(args, "--set", "Address="+address, "--set", "Port="+port)
	}
	return args
}

// keep copies the harness's reports into dist/floor.
func (t test) keep(name, inside string) error {
	for _, ext := range []string{".xml", ".json"} {
		to := filepath.Join(t.Root, "dist", "floor", t.platform.Name, name+ext)
		if err := atomicdir.CopyFile(to, t.place.tree.Path(filepath.Join(inside, name+ext)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

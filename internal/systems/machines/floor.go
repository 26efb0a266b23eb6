package machines

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/build/audit"
	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/versions"
	"github.com/avirkit/avirkit/plugins/clam/fakeclamd"
)

// FloorRootVariable names the file tree of an old i386 system for Floor.
const FloorRootVariable = "AVIR_FLOOR_ROOT"

// floorWait is the pause of the waiting test. Whether a connection lasts over
// minutes is for the tests that take minutes.
const floorWait = 2 * time.Second

// Floor is what can be shown of the oldest systems in seconds and without a
// machine: the audit of the libraries, and the harness with all system calls
// hidden that the oldest kernel lacks, on the oldest system at hand.
func Floor(ctx context.Context, o Options) error {
	if _, err := build.Run(ctx, build.Options{Root: o.Root, Toolchain: os.Getenv("AVIR_TOOLCHAIN")}); err != nil {
		return err
	}
	dist := filepath.Join(o.Root, "dist", build.Dir386)
	plugins, err := filepath.Glob(filepath.Join(dist, "avir_*.so"))
	if err != nil || len(plugins) == 0 {
		return fmt.Errorf("no plugins in %s: run mage build", dist)
	}
	for _, p := range plugins {
		if err := auditStep(ctx, p); err != nil {
			return err
		}
	}
	where, err := floorSystem(ctx, o.Root)
	if err != nil {
		return err
	}
	libc, err := where.libc(ctx)
	if err != nil {
		return err
	}
	run.Printf("the harness runs on %s (%s), %s", where.what, libc, where.why)
	fake, err := fakeclamd.New("127.0.0.1:0", "")
	if err != nil {
		return err
	}
	defer fake.Close()
	if err := where.test(ctx, o, dist, plugins, fake.Addr); err != nil {
		return err
	}
	run.Printf("Proved: both libraries ask for nothing newer than glibc %s, and pass the harness on %s while every system call newer than Linux %s is refused.",
		versions.GlibcFloor, where.what, versions.KernelFloor)
	run.Printf("Not proved: what the dynamic linker and the threads of glibc %s do, how a real Linux %s behaves, and what dpkg and rpm of that time make of the packages. That takes mage test:vm with the real systems.",
		versions.GlibcFloor, versions.KernelFloor)
	return nil
}

func auditStep(ctx context.Context, plugin string) error {
	return run.Step(ctx, "audit "+filepath.Base(plugin), nil, func(context.Context) (string, error) {
		report, err := audit.File(plugin, build.Policy())
		if err != nil {
			return "", err
		}
		if err := report.Err(); err != nil {
			return "", err
		}
		return "glibc " + versions.GlibcFloor + ", Linux " + versions.KernelFloor, nil
	})
}

// floorPlace is where Floor runs the harness: a file tree to change root to,
// or this machine itself if dir is empty.
type floorPlace struct {
	tree
	what, why string
}

// floorSystem picks the oldest system at hand.
func floorSystem(ctx context.Context, root string) (floorPlace, error) {
	dir, why := os.Getenv(FloorRootVariable), "as "+FloorRootVariable+" asks"
	if dir == "" {
		dir, why = oldestRoot(cacheDir(root)), "the oldest system that mage vm:box has made"
		if !exists(dir) {
			return thisMachine(ctx, "as there is no older system here: mage vm:box makes one, or set "+FloorRootVariable+" to the files of one")
		}
	}
	if os.Geteuid() != 0 {
		return thisMachine(ctx, "as only root can change to the root of "+dir)
	}
	if !exists(filepath.Join(dir, "lib")) {
		return floorPlace{}, fmt.Errorf("%s holds no system: it has no folder lib; set %s to the files of an i386 system", dir, FloorRootVariable)
	}
	if _, err := (run.Command{Name: "unshare", Args: []string{"--mount", "--pid", "--fork", "true"}}).Run(ctx); err != nil {
		if os.Getenv(FloorRootVariable) == "" {
			return thisMachine(ctx, "as this system lets root make no namespaces for "+dir)
		}
		return floorPlace{}, fmt.Errorf("this system lets root make no namespaces, which %s needs: take a privileged container, or unset it: %w", FloorRootVariable, err)
	}
	what := dir
	if v, err := os.ReadFile(filepath.Join(dir, "etc/debian_version")); err == nil {
		what = "Debian " + strings.TrimSpace(string(v)) + " i386"
	}
	return floorPlace{tree{dir: dir}, what, why}, nil
}

func thisMachine(ctx context.Context, why string) (floorPlace, error) {
	p := floorPlace{what: "this machine", why: why}
	if err := hostdeps.Need(ctx, "libc6-i386"); err != nil && !exists("/lib/ld-linux.so.2") {
		return p, fmt.Errorf("32-bit programs need a 32-bit C library: %w", err)
	}
	return p, nil
}

// command returns a command that runs in the place. Its mounts and processes
// end with it.
func (p floorPlace) command(name string, args ...string) run.Command {
	if p.dir == "" {
		return run.Command{Name: name, Args: args}
	}
	return run.Command{
		Name: "unshare",
		Args: append([]string{"--mount", "--pid", "--fork", "--kill-child", "--propagation", "private",
			"--mount-proc=" + p.path("proc"), "chroot", p.dir, name}, args...),
		Env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR=/tmp", "LC_ALL=C"},
	}
}

func (p floorPlace) libc(ctx context.Context) (string, error) {
	out, err := p.command("getconf", "GNU_LIBC_VERSION").Run(ctx)
	return strings.TrimSpace(out), err
}

// test runs all of the harness for each plugin.
func (p floorPlace) test(ctx context.Context, o Options, dist string, plugins []string, clamd string) error {
	sweepFloor(p.path("/tmp"))
	inside := filepath.Join("/tmp", "avirkit-floor-"+strconv.Itoa(os.Getpid()))
	outside := p.path(inside)
	if err := os.Mkdir(outside, 0o755); err != nil {
		return fmt.Errorf("make a folder for the harness: %w", err)
	}
	defer os.RemoveAll(outside)
	for _, file := range append([]string{filepath.Join(dist, "harness"), filepath.Join(dist, "avserver")}, plugins...) {
		if err := copyProgram(file, filepath.Join(outside, filepath.Base(file))); err != nil {
			return err
		}
	}
	results := filepath.Join(o.Root, "dist", "vm", "floor")
	if err := errors.Join(os.RemoveAll(results), os.MkdirAll(results, 0o755)); err != nil {
		return err
	}
	failed := make([]error, len(plugins))
	var each []func(context.Context) error
	for i, plugin := range plugins {
		name := strings.TrimSuffix(filepath.Base(plugin), ".so")
		each = append(each, func(ctx context.Context) error {
			// A plugin that fails does not end the other's tests.
			failed[i] = p.harness(ctx, name, filepath.Join(inside, "harness"), floorArgs(inside, name, clamd, o.Full))
			for _, ext := range []string{".xml", ".json"} {
				err := copyFile(filepath.Join(outside, name+ext), filepath.Join(results, name+ext))
				failed[i] = errors.Join(failed[i], err)
			}
			return nil
		})
	}
	_ = run.Parallel(ctx, each...)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	_, err := writeJUnit(results, "floor", nil, []junitProperty{{"system", p.what}, {"floor", versions.KernelFloor}})
	return errors.Join(append(failed, err)...)
}

// sweepFloor removes what killed runs left, but not what others still use.
func sweepFloor(dir string) {
	old, _ := filepath.Glob(filepath.Join(dir, "avirkit-floor-*"))
	for _, path := range old {
		pid, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(path), "avirkit-floor-"))
		if err != nil {
			continue
		}
		if _, err := readStat(pid); err != nil {
			os.RemoveAll(path)
		}
	}
}

// harness runs the harness for one plugin.
func (p floorPlace) harness(ctx context.Context, name, program string, args []string) error {
	var last lastLine
	c := p.command(program, args...)
	c.Stdout = &last
	return run.Step(ctx, "harness run all, "+name+", floor "+versions.KernelFloor, last.String, func(ctx context.Context) (string, error) {
		_, err := c.Run(ctx)
		return last.String(), err
	})
}

// floorArgs are the arguments of the harness in folder dir.
func floorArgs(dir, name, clamd string, full bool) []string {
	args := []string{"run", "all", "--plugin", filepath.Join(dir, name+".so"), "--data", filepath.Join(dir, "data"),
		"--kernel-floor", versions.KernelFloor,
		"--junit", filepath.Join(dir, name+".xml"), "--json", filepath.Join(dir, name+".json")}
	if !full {
		args = append(args, "--quick", "--wait", floorWait.String())
	}
	if name == "avir_clam" {
		address, port, _ := strings.Cut(clamd, ":")
		args = append(args, "--set", "Address="+address, "--set", "Port="+port)
	}
	return args
}

func copyProgram(from, to string) error {
	if err := copyFile(from, to); err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	return os.Chmod(to, 0o755)
}

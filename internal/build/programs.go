package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/avirkit/avirkit/internal/build/audit"
	"github.com/avirkit/avirkit/internal/run"
)

// goProgram is a static Go program of dist.
type goProgram struct {
	name   string
	module string // its folder in the checkout
	pkg    string // in the module
}

var goPrograms = []goProgram{
	{"harness", "harness", "."},
	{"avirctl", "harness", "./avirctl"},
	{"fakeclamd", "plugins", "./clam/cmd/fakeclamd"},
}

// goProgram builds a static, stripped program.
func (t *target) goProgram(ctx context.Context, p goProgram) error {
	return run.Step(ctx, t.step(p.name), nil, func(ctx context.Context) (string, error) {
		_, err := run.Command{
			Name: "go",
			Args: append([]string{"build", "-o", t.staged(p.name), "-ldflags=-buildid= -s -w -X=main.version=" + t.version()}, append(goFlags(), p.pkg)...),
			Dir:  filepath.Join(t.Root, p.module),
			Env:  t.goEnv(),
		}.Run(ctx)
		return "", err
	})
}

// step names the step that builds a file.
func (t *target) step(file string) string { return "build " + t.platform.Name + "/" + file }

// avserver builds the host in C.
func (t *target) avserver(ctx context.Context) error {
	return run.Step(ctx, t.step("avserver"), nil, func(ctx context.Context) (string, error) {
		sources := matching(filepath.Join(t.Root, "harness", "avserver"), "*.c")
		if len(sources) == 0 {
			return "", fmt.Errorf("no sources in harness/avserver: is the checkout complete?")
		}
		work := t.work()
		if err := os.MkdirAll(work, 0o755); err != nil {
			return "", err
		}
		linked, out := filepath.Join(work, "avserver"), t.staged("avserver")
		args := append(hostFlags(), "-I"+filepath.Join(t.Root, "api", "abi"), "-o", linked)
		if err := t.cc(ctx, "avserver", append(append(args, sources...), "-ldl")); err != nil {
			return "", err
		}
		// gcc's crt1.o brings the tag, for the oldest kernel of this machine's
		// glibc, and an old ld.so refuses what asks for a newer one than runs.
		if err := objcopy(ctx, "--remove-section=.note.ABI-tag", "--remove-section=.comment", linked, out); err != nil {
			return "", err
		}
		report, err := audit.Program(out, Policy())
		if err != nil {
			return "", err
		}
		if err := report.Err(); err != nil {
			return "", fmt.Errorf("the audit refuses it: %w", err)
		}
		return "audit passed", nil
	})
}

// hostFlags are the compiler's flags for avserver.
func hostFlags() []string {
	return []string{"-O2", "-s", "-std=gnu99", "-Wall", "-Wextra", "-Werror", "-pthread", "-fPIE", "-pie", "-Wl,-z,now"}
}

// cc runs the toolchain's C compiler driver for a link.
func (t *target) cc(ctx context.Context, job string, args []string) error {
	return t.compileIn(ctx, "", job, t.compiler.CC, slices.Concat(args, t.compiler.LinkFlags))
}

// jobEnv is what the toolchain wants in the environment of a job.
func (t *target) jobEnv(job string) []string { return t.tc.Env(t.platform, job) }

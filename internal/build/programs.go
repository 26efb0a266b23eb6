package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/avirkit/avirkit/internal/build/audit"
	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/run"
)

// avserver builds the 32-bit C host. The developer's machine gets the same
// one, as the plugins it loads are 32-bit everywhere.
func (b *builder) avserver(ctx context.Context) error {
	return run.Step(ctx, "build avserver", nil, func(ctx context.Context) (string, error) {
		sources := matching(filepath.Join(b.Root, "harness", "avserver"), "*.c")
		if len(sources) == 0 {
			return "", fmt.Errorf("no sources in harness/avserver: is the checkout complete?")
		}
		work := filepath.Join(b.stage, "work")
		if err := os.MkdirAll(work, 0o755); err != nil {
			return "", err
		}
		linked, out := filepath.Join(work, "avserver"), filepath.Join(b.stage, Dir386, "avserver")
		args := append(hostFlags(), "-I"+filepath.Join(b.Root, "api", "abi"), "-o", linked)
		if err := b.cc(ctx, "avserver", append(append(args, sources...), "-ldl")); err != nil {
			return "", err
		}
		// gcc's crt1.o brings the tag, for the oldest kernel of this machine's
		// glibc, and an old ld.so refuses what asks for a newer one than runs.
		if err := objcopy(ctx, "--remove-section=.note.ABI-tag", linked, out); err != nil {
			return "", err
		}
		report, err := audit.Program(out, Policy())
		if err != nil {
			return "", err
		}
		if err := report.Err(); err != nil {
			return "", fmt.Errorf("the audit refuses it: %w", err)
		}
		return "audit passed", copyFile(out, filepath.Join(b.stage, DirAMD64, "avserver"))
	})
}

// hostFlags are the compiler's flags for avserver.
func hostFlags() []string {
	return []string{"-O2", "-s", "-std=gnu99", "-Wall", "-Wextra", "-Werror", "-pthread", "-Wl,-z,now"}
}

// cc runs the toolchain's C compiler driver for a link.
func (b *builder) cc(ctx context.Context, target string, args []string) error {
	args = append(append(append([]string{}, b.tc.CC[1:]...), args...), b.tc.LinkFlags...)
	_, err := run.Command{Name: b.tc.CC[0], Args: args, Env: b.tc.Env(target), Unset: toolchain.Ambient}.Run(ctx)
	return err
}

// harness builds the static Go program that drives avserver, for both kinds
// of machine.
func (b *builder) harness(ctx context.Context) error {
	for _, arch := range []string{"386", "amd64"} {
		err := run.Step(ctx, "build harness for "+arch, nil, func(ctx context.Context) (string, error) {
			return "", b.goProgram(ctx, arch, "harness", ".", filepath.Join(b.stage, "linux-"+arch, "harness"))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// goProgram builds package pkg of the module in dir as a static, stripped
// program.
func (b *builder) goProgram(ctx context.Context, arch, dir, pkg, out string) error {
	_, err := run.Command{
		Name: "go",
		Args: append([]string{"build", "-o", out, "-ldflags=-buildid= -s -w -X=main.version=" + b.version()}, append(goFlags(), pkg)...),
		Dir:  filepath.Join(b.Root, dir),
		Env:  b.goEnv(arch),
	}.Run(ctx)
	return err
}

// CPlugin links a plugin that is written in C and includes avApi.h alone.
func (b *builder) CPlugin(ctx context.Context, source, out string) error {
	return b.cc(ctx, filepath.Base(out), []string{"-O2", "-std=c89", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
		"-fPIC", "-shared", "-pthread", "-Wl,-z,now", "-Wl,--version-script=" + b.exportScript(),
		"-I" + filepath.Join(b.Root, "api", "abi"), "-o", out, source})
}

package toolchain

import (
	"context"
	"crypto/sha256"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build/glibc"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/run"
)

// A link against this machine's glibc binds to its newest symbol versions,
// which an old ld.so refuses; and from glibc 2.34 on libpthread and libdl are
// part of libc, so that their sonames drop out of the result. Stub libraries
// with the sonames and symbols of the floor have neither fault. They hold no
// code: ld.so never sees them.

// archives are static libraries whose code is linked into what uses them: the
// symbols that glibc keeps in its own static part, and those of newer releases.
//
//go:embed static/*.c
var archives embed.FS

// archiveParts is how many objects are made of each source.
var archiveParts = map[string]int{"libc_nonshared": 7, "newer_glibc": 9}

// stubLibrary is one shared library of the floor.
type stubLibrary glibc.Library

// linkNames are the flags that link with the stubs; what nothing uses is left
// out of the result by --as-needed.
func linkNames(p *platform.Platform) []string {
	return []string{"-lpthread", "-ldl", "-lrt", "-lm", "-lresolv", "-l:newer_glibc.a", "-l:libc_nonshared.a", "-lc", "-l:" + p.LoaderSoname()}
}

// stubLibraries makes the stub libraries below cache and returns their folder.
func stubLibraries(ctx context.Context, cache string, p *platform.Platform) (string, error) {
	digest := sha256.New()
	fmt.Fprint(digest, p.Glibc().Text)
	for _, name := range []string{"libc_nonshared", "newer_glibc"} {
		source, err := archives.ReadFile("static/" + name + ".c")
		if err != nil {
			return "", err
		}
		digest.Write(source)
	}
	dir := filepath.Join(cache, fmt.Sprintf("glibc-stubs-%s-%.24x", p, digest.Sum(nil)))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	return dir, atomicdir.Replace(dir, func(tmp string) error {
		for _, l := range p.Glibc().Libraries {
			if err := stubLibrary(l).build(ctx, tmp, p); err != nil {
				return err
			}
		}
		for name, parts := range archiveParts {
			if err := buildArchive(ctx, name, parts, tmp, p); err != nil {
				return err
			}
		}
		return nil
	})
}

// InStaticPart says whether glibc has a function in its own static part, as all
// its releases have.
func InStaticPart(function string) bool {
	source, _ := archives.ReadFile("static/libc_nonshared.c")
	return regexp.MustCompile(`\b` + regexp.QuoteMeta(strings.TrimSuffix(function, "64")) + `(##suffix)?\(`).Match(source)
}

// buildArchive makes NAME.a in dir, an object of each part of the source.
func buildArchive(ctx context.Context, name string, parts int, dir string, p *platform.Platform) error {
	source, err := archives.ReadFile("static/" + name + ".c")
	if err != nil {
		return err
	}
	file := filepath.Join(dir, name+".c")
	if err := os.WriteFile(file, source, 0o644); err != nil {
		return err
	}
	archive := []string{"rcD", filepath.Join(dir, name+".a")}
	for part := 1; part <= parts; part++ {
		object := filepath.Join(dir, fmt.Sprintf("%s.%d.o", name, part))
		// Some of the functions are built-in ones to gcc, of other types.
		args := []string{p.GCCFlag, "-std=gnu99", "-O2", "-fPIC", "-fno-builtin", "-fno-stack-protector",
			fmt.Sprintf("-DPART=%d", part), "-c", "-o", object, file}
		if _, err := (run.Command{Name: "gcc", Args: args, Unset: Ambient}).Run(ctx); err != nil {
			return err
		}
		archive = append(archive, object)
	}
	_, err = run.Command{Name: "ar", Args: archive, Unset: Ambient}.Run(ctx)
	return err
}

func (l stubLibrary) build(ctx context.Context, dir string, p *platform.Platform) error {
	source := filepath.Join(dir, l.Soname+".s")
	script := filepath.Join(dir, l.Soname+".map")
	if err := os.WriteFile(source, []byte(l.assembly()), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(script, []byte(l.versionScript()), 0o644); err != nil {
		return err
	}
	_, err := run.Command{
		Name: "gcc", Unset: Ambient,
		Args: []string{p.GCCFlag, "-shared", "-nostdlib", "-Wl,-soname," + l.Soname,
			"-Wl,--version-script," + script, "-o", filepath.Join(dir, l.Soname), source},
	}.Run(ctx)
	if err != nil {
		return err
	}
	if name, _, found := strings.Cut(l.Soname, ".so."); found {
		// What -lNAME looks for.
		return os.Symlink(l.Soname, filepath.Join(dir, name+".so"))
	}
	return nil
}

// assembly defines every symbol; a function is one byte that traps.
func (l stubLibrary) assembly() string {
	var text, data strings.Builder
	for _, s := range l.Symbols {
		if s.Size == "" {
			fmt.Fprintf(&text, ".globl %[1]s\n.type %[1]s, @function\n%[1]s: hlt\n.size %[1]s, 1\n", s.Name)
		} else {
			fmt.Fprintf(&data, ".globl %[1]s\n.type %[1]s, @object\n.balign 32\n%[1]s: .zero %[2]s\n.size %[1]s, %[2]s\n", s.Name, s.Size)
		}
	}
	return ".text\n" + text.String() + ".data\n" + data.String() + ".section .note.GNU-stack,\"\",@progbits\n"
}

// versionScript gives every symbol its version.
func (l stubLibrary) versionScript() string {
	byVersion := make(map[string][]string)
	var order []string
	for _, s := range l.Symbols {
		if byVersion[s.Version] == nil {
			order = append(order, s.Version)
		}
		byVersion[s.Version] = append(byVersion[s.Version], s.Name)
	}
	slices.Sort(order)
	var b strings.Builder
	for i, v := range order {
		fmt.Fprintf(&b, "%s { global: %s;", v, strings.Join(byVersion[v], "; "))
		if i == 0 {
			b.WriteString(" local: *;")
		}
		b.WriteString(" };\n")
	}
	return b.String()
}

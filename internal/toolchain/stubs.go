package toolchain

import (
	"bufio"
	"context"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/run"
)

// A link against this machine's glibc binds to its newest symbol versions,
// which an old ld.so refuses; and from glibc 2.34 on libpthread and libdl are
// part of libc, so that their sonames drop out of the result. Stub libraries
// with the sonames and symbols of the floor have neither fault. They hold no
// code: ld.so never sees them.

//go:embed glibc-2.11-i386.abilist
var abilist string

// stubLibrary is one shared library of the floor.
type stubLibrary struct {
	soname  string
	symbols []stubSymbol
}

type stubSymbol struct {
	name, version string
	size          string // in bytes for an object, empty for a function
}

// linkNames are the flags that link with the stubs; what nothing uses is left
// out of the result by --as-needed.
func linkNames() []string {
	return []string{"-lpthread", "-ldl", "-lrt", "-lm", "-lresolv", "-lc", "-l:ld-linux.so.2"}
}

// stubLibraries makes the stub libraries below cache and returns their folder.
func stubLibraries(ctx context.Context, cache string) (string, error) {
	libs, err := parseABIList(abilist)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, fmt.Sprintf("glibc-stubs-%.12x", sha256.Sum256([]byte(abilist))))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(cache, "glibc-stubs-*.tmp")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	for _, l := range libs {
		if err := l.build(ctx, tmp); err != nil {
			return "", err
		}
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return "", err
	}
	return dir, os.Rename(tmp, dir)
}

// parseABIList reads a list of "[soname]" lines, each followed by lines of
// "symbol version [size]".
func parseABIList(text string) ([]stubLibrary, error) {
	var libs []stubLibrary
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] == '[' {
			libs = append(libs, stubLibrary{soname: strings.Trim(line, "[]")})
			continue
		}
		f := strings.Fields(line)
		if len(f) < 2 || len(f) > 3 || len(libs) == 0 {
			return nil, fmt.Errorf("line %d is not \"symbol version [size]\" below a soname: %q", n, line)
		}
		s := stubSymbol{name: f[0], version: f[1]}
		if len(f) == 3 {
			s.size = f[2]
		}
		l := &libs[len(libs)-1]
		l.symbols = append(l.symbols, s)
	}
	return libs, lines.Err()
}

func (l stubLibrary) build(ctx context.Context, dir string) error {
	source := filepath.Join(dir, l.soname+".s")
	script := filepath.Join(dir, l.soname+".map")
	if err := os.WriteFile(source, []byte(l.assembly()), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(script, []byte(l.versionScript()), 0o644); err != nil {
		return err
	}
	_, err := run.Command{
		Name: "gcc",
		Args: []string{"-m32", "-shared", "-nostdlib", "-Wl,-soname," + l.soname,
			"-Wl,--version-script," + script, "-o", filepath.Join(dir, l.soname), source},
	}.Run(ctx)
	if err != nil {
		return err
	}
	if name, _, found := strings.Cut(l.soname, ".so."); found {
		// What -lNAME looks for.
		return os.Symlink(l.soname, filepath.Join(dir, name+".so"))
	}
	return nil
}

// assembly defines every symbol; a function is one byte that traps.
func (l stubLibrary) assembly() string {
	var text, data strings.Builder
	for _, s := range l.symbols {
		if s.size == "" {
			fmt.Fprintf(&text, ".globl %[1]s\n.type %[1]s, @function\n%[1]s: hlt\n.size %[1]s, 1\n", s.name)
		} else {
			fmt.Fprintf(&data, ".globl %[1]s\n.type %[1]s, @object\n.balign 32\n%[1]s: .zero %[2]s\n.size %[1]s, %[2]s\n", s.name, s.size)
		}
	}
	return ".text\n" + text.String() + ".data\n" + data.String() + ".section .note.GNU-stack,\"\",@progbits\n"
}

// versionScript gives every symbol its version.
func (l stubLibrary) versionScript() string {
	byVersion := make(map[string][]string)
	var order []string
	for _, s := range l.symbols {
		if byVersion[s.version] == nil {
			order = append(order, s.version)
		}
		byVersion[s.version] = append(byVersion[s.version], s.name)
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

package build

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/build/toolchain"
)

const cxxEngine = `#include <stdexcept>
#include <string>
extern "C" int engine_answer(void) {
    try { throw std::runtime_error(std::string("no ") + "engine"); } catch (const std::exception &e) { return e.what()[0] == 'n'; }
}
`

// archive compiles a source for this machine's platform into an archive in dir.
func archive(t *testing.T, dir, source string, compiler ...string) {
	t.Helper()
	object := filepath.Join(dir, "engine.o")
	compile := exec.Command(compiler[0], append(compiler[1:], "-fPIC", "-c", "-o", object, "-")...)
	compile.Stdin = strings.NewReader(source)
	out, err := compile.CombinedOutput()
	require.NoError(t, err, string(out))
	require.NoError(t, exec.Command("ar", "rc", filepath.Join(dir, "libengine.a"), object).Run())
	require.NoError(t, os.Remove(object))
}

// goFolder writes a Go plugin that links an engine.
func goFolder(t *testing.T, root, ldflags string) Plugin {
	t.Helper()
	dir := folderOf(t, map[string]string{
		"go.mod": "module example.com/mine\n\ngo 1.23\n\nrequire github.com/avirkit/avirkit/api v0.0.0\n\nreplace github.com/avirkit/avirkit/api => " + filepath.Join(root, "api") + "\n",
		"main.go": `package main

// ` + ldflags + `
// int engine_answer(void);
import "C"
import (
	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/api/abi"
)

type plugin struct{}

func (plugin) Info() api.Info                     { return api.NewInfo("avir_mine", "Mine 1.0") }
func (plugin) Init(api.Config, *api.Logger) error { return nil }
func (plugin) NewScanner() (api.Scanner, error)   { return nil, nil }
func (plugin) Close() error                       { return nil }
func init()                                       { abi.Register(plugin{}) }
func main()                                       { C.engine_answer() }
`})
	return Plugin{Name: "avir_mine", Dir: dir}
}

func TestAnArchiveInCXXBringsItsLibraryToAPluginInC(t *testing.T) {
	dir := folderOf(t, map[string]string{"mine.c": "int engine_answer(void);\n#define ANSWER engine_answer()\n" + simpleSource, "mine.h": simpleHeader, FlagsFile: "-L. -lengine -lstdc++"})
	archive(t, dir, cxxEngine, "g++", "-x", "c++")
	assert.NoError(t, buildFolder(t, toolchain.GCC, dir))
}

func TestWhatAGoPluginLinksIsLookedAt(t *testing.T) {
	for name, c := range map[string]struct {
		source, ldflags string
		compiler        []string
		platform        *platform.Platform
		cxx             bool
		want            string
	}{
		"C":                     {"int x;", "#cgo LDFLAGS: ${SRCDIR}/libengine.a", []string{"gcc", "-x", "c"}, platform.Native(), false, ""},
		"C++":                   {cxxEngine, "#cgo LDFLAGS: -L${SRCDIR} -lengine", []string{"g++", "-x", "c++"}, platform.Native(), true, ""},
		"another platform's":    {"int x;", "#cgo LDFLAGS: ${SRCDIR}/libengine.a", []string{"gcc", "-x", "c"}, platform.All[0], false, `libengine.a, which holds code for linux-amd64, in a build for linux-386: begin the line with "#cgo amd64 LDFLAGS:"`},
		"none for the platform": {"int x;", "#cgo 386 LDFLAGS: ${SRCDIR}/none.a", []string{"gcc", "-x", "c"}, platform.All[0], false, "none.a, which does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			b := testTarget(t, toolchain.GCC, c.platform)
			p := goFolder(t, b.Root, c.ldflags)
			archive(t, p.Dir, c.source, c.compiler...)

			flags, err := b.cgoRuntime(context.Background(), p, t.TempDir())

			if c.want != "" {
				assert.ErrorContains(t, err, c.want)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.cxx, len(flags) > 0)
		})
	}
}

func TestCXXInAGoPluginLinksAtFullLength(t *testing.T) {
	if os.Getenv("AVIR_FULL") != "1" {
		t.Skip("takes minutes")
	}
	for _, name := range cxxToolchains() {
		for _, p := range platform.All {
			t.Run(fmt.Sprint(name, p), func(t *testing.T) {
				b := testTarget(t, name, p)
				folder := goFolder(t, b.Root, "")
				write(t, filepath.Join(folder.Dir, "engine.cpp"), cxxEngine)
				assert.NoError(t, b.plugin(context.Background(), folder, &Library{}))
			})
		}
	}
}

// A linker takes an object of the other compiler's -flto for an empty one.
func TestAnArchiveWithoutMachineCodeIsRefused(t *testing.T) {
	dir := t.TempDir()
	archive(t, dir, "int engine_answer(void) { return 1; }\n", "gcc", "-flto", "-x", "c")
	write(t, filepath.Join(dir, "clang.o"), "BC\xc0\xde and so on")
	read := func(name string, files ...string) error {
		_, err := (&target{platform: platform.Native(), builder: &builder{tc: &toolchain.Toolchain{Name: name}}}).readInputs(files)
		return err
	}
	files := []string{filepath.Join(dir, "libengine.a")}
	assert.NoError(t, read(toolchain.GCC, files...))
	assert.ErrorContains(t, read(toolchain.Zig, files...), "compile it without -flto")
	assert.ErrorContains(t, read(toolchain.GCC, filepath.Join(dir, "clang.o")), "compile it without -flto")
}

package platform_test

import (
	"debug/elf"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/audit"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/versions"
)

// arm64 is an entry as a third platform would have. Of its C library it lists
// nothing: the library below needs none.
func arm64() *platform.Platform {
	third := *platform.All[1]
	third.Name, third.Words, third.GOARCH = "linux-arm64", "64-bit Arm", "arm64"
	third.ZigTarget = "aarch64-linux-gnu.2.17"
	third.Machine = elf.EM_AARCH64
	third.Loader = "/lib/ld-linux-aarch64.so.1"
	third.Deb, third.RPM = "arm64", "aarch64"
	third.GlibcFloor = "2.17"
	third.Relocations.Known = []uint32{0, uint32(elf.R_AARCH64_ABS64), uint32(elf.R_AARCH64_GLOB_DAT), uint32(elf.R_AARCH64_JUMP_SLOT), uint32(elf.R_AARCH64_RELATIVE)}
	third.Relocations.Relative = uint32(elf.R_AARCH64_RELATIVE)
	third.Relocations.Name = func(kind uint32) string { return elf.R_AARCH64(kind).String() }
	return &third
}

func TestAThirdPlatformIsAnEntry(t *testing.T) {
	third, before := arm64(), platform.All
	platform.All = append(append([]*platform.Platform{}, before...), third)
	t.Cleanup(func() { platform.All = before })
	root, err := run.Root()
	require.NoError(t, err)
	tc, err := toolchain.Pick(t.Context(), toolchain.Zig, filepath.Join(root, ".cache"), third)
	require.NoError(t, err)
	dir := t.TempDir()
	library := filepath.Join(dir, "avir_third.so")
	source := filepath.Join(dir, "third.c")
	require.NoError(t, os.WriteFile(source, []byte("void *get_plugin_extended_iface(unsigned *v) { *v = 2; return 0; }\n"), 0o600))
	script := filepath.Join(root, "api", "abi", "exports.map")
	cc := tc.Compilers[third].CC
	args := append(cc[1:len(cc):len(cc)], "-shared", "-fPIC", "-nostdlib", "-s", "-Wl,--build-id=sha1", "-Wl,-z,now", "-Wl,-z,nodelete",
		"-Wl,--version-script="+script, "-o", library, source)
	_, err = run.Command{Name: cc[0], Args: args, Env: tc.Env(third, "third")}.Run(t.Context())
	require.NoError(t, err)

	report, err := audit.File(library, audit.Policy{GoVersion: versions.TargetGo, Exports: []string{"get_plugin_extended_iface"}})
	require.NoError(t, err)
	require.NoError(t, report.Err())
	assert.Equal(t, "linux-arm64", report.Platform)
}

// own are the words by which code would tell platforms apart by itself.
var own = regexp.MustCompile(`\b(386|i386|i686|amd64|x86_64|linux-386|linux-amd64|ld-linux\S*)\b`)

// mayName are the files, beside the list, that may name platforms, each for a
// reason.
var mayName = map[string]string{
	"internal/build/toolchain/npm.go": "the kind of machine that npm has a zig for",
}

func TestTheBuildNamesNoPlatformOutsideOfTheList(t *testing.T) {
	root, err := run.Root()
	require.NoError(t, err)
	files := 0
	err = filepath.WalkDir(filepath.Join(root, "internal", "build"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == "platform" || d.Name() == "testdata" || d.Name() == "lldmend") {
			if d != nil && d.IsDir() && err == nil {
				return fs.SkipDir
			}
			return err
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		files++
		rel, err := filepath.Rel(root, path)
		require.NoError(t, err)
		for _, text := range literals(t, path) {
			if mayName[rel] == "" {
				assert.NotRegexp(t, own, text, "%s: take it from the list of platforms", rel)
			}
		}
		return nil
	})
	require.NoError(t, err)
	assert.Greater(t, files, 30)
}

// The harness is a module of its own and can't import the list.
func TestTheHarnessKnowsEachPlatformByTheSameWords(t *testing.T) {
	root, err := run.Root()
	require.NoError(t, err)
	texts := literals(t, filepath.Join(root, "harness", "host", "platform.go"))
	for _, p := range platform.All {
		for _, word := range []string{p.Name, p.Words, p.GCCFlag, p.Loader, p.Deb, p.RPM} {
			assert.Contains(t, texts, word, "%s: add it to harness/host/platform.go", p)
		}
	}
	floor, err := os.ReadFile(filepath.Join(root, "harness", "avserver", "floor.c"))
	require.NoError(t, err)
	narrow, wide := platform.All[0], platform.All[1]
	assert.Contains(t, string(floor), fmt.Sprintf("{%q, %d, %d}", narrow.KernelFloor, narrow.LastSyscall, wide.LastSyscall))
}

// literals are the texts in a file's code; comments are none.
func literals(t *testing.T, path string) (texts []string) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, nil, 0)
	require.NoError(t, err)
	visit(file, func(value string) {
		if text, err := strconv.Unquote(value); err == nil {
			texts = append(texts, text)
		}
	})
	return texts
}

func visit(file *ast.File, text func(value string)) {
	ast.Inspect(file, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			text(l.Value)
		}
		return true
	})
}

package audit

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/platform"
)

var policy = Policy{
	GoVersion: "go1.23.12",
	Exports:   []string{"get_plugin_extended_iface"},
}

// entry is the source of a library that keeps every rule.
const entry = "void *get_plugin_extended_iface(unsigned *v) { *v = 2; return 0; }\n"

// on is a test for one platform: the helpers below then compile for that. For
// other tests they compile for the first one.
type on struct {
	*testing.T
	platform *platform.Platform
}

// everywhere runs a test for each platform.
func everywhere(t *testing.T, test func(t on)) {
	for _, p := range platform.All {
		t.Run(p.Name, func(t *testing.T) { test(on{t, p}) })
	}
}

func platformOf(t testing.TB) *platform.Platform {
	if t, ok := t.(on); ok {
		return t.platform
	}
	return platform.All[0]
}

var compiles = sync.OnceValue(func() error {
	for _, p := range platform.All {
		cmd := exec.Command("gcc", p.GCCFlag, "-nostdlib", "-shared", "-o", os.DevNull, "-xc", "-")
		cmd.Stdin = strings.NewReader("int x;")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("gcc %s: %w: %s: install %v", p.GCCFlag, err, out, p.GCCPackages)
		}
	}
	return nil
})

// gcc compiles source as C for the test's platform and returns the path of the
// output.
func gcc(t testing.TB, name, source string, args ...string) string {
	t.Helper()
	require.NoError(t, compiles())
	dir := t.TempDir()
	path, input := filepath.Join(dir, name), filepath.Join(dir, "input.c")
	require.NoError(t, os.WriteFile(input, []byte(source), 0o600))
	// Nothing of the machine's own libraries: the stubs decide what is linked.
	args = append([]string{platformOf(t).GCCFlag, "-nostdlib", "-fno-stack-protector", "-o", path, input}, args...)
	out, err := exec.Command("gcc", args...).CombinedOutput()
	require.NoError(t, err, "gcc %q: %s", args, out)
	return path
}

// plugin links a library with all the flags that a good one needs; later flags
// in args override them.
func plugin(t testing.TB, source string, args ...string) string {
	t.Helper()
	return unstripped(t, source, append([]string{"-s"}, args...)...)
}

func unstripped(t testing.TB, source string, args ...string) string {
	t.Helper()
	const scriptFlag = "-Wl,--version-script="
	flags := []string{
		"-shared", "-fPIC", "-fno-builtin", "-Wl,-z,now,-z,relro,-z,noexecstack,-z,nodelete", "-Wl,--build-id=sha1", "-Wl,--no-as-needed",
	}
	if !slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, scriptFlag) }) {
		flags = append(flags, scriptFlag+versionScript(t, policy.Exports[0]))
	}
	return gcc(t, "avir_test.so", source, append(flags, args...)...)
}

// versionScript exports what matches a pattern and nothing else.
func versionScript(t testing.TB, pattern string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "exports.map")
	text := "{ global: " + pattern + "; local: *; };"
	if pattern == "*" {
		text = "{ global: *; };"
	}
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// stub makes a library that holds symbols of the given versions. It is what a
// plugin is linked against, so that the glibc of the machine does not matter.
func stub(t testing.TB, soname string, versions map[string]string) string {
	t.Helper()
	var source, script strings.Builder
	for _, version := range slices.Sorted(maps.Keys(versions)) {
		fmt.Fprintf(&script, "%s { global: %s; };\n", version, strings.ReplaceAll(versions[version], " ", "; "))
		for name := range strings.FieldsSeq(versions[version]) {
			fmt.Fprintf(&source, "int %s(void) { return 0; }\n", name)
		}
	}
	path := filepath.Join(t.TempDir(), "stub.map")
	require.NoError(t, os.WriteFile(path, []byte(script.String()), 0o600))
	args := []string{"-shared", "-fPIC", "-fno-builtin", "-Wl,-soname=" + soname}
	if len(versions) > 0 {
		args = append(args, "-Wl,--version-script="+path)
	}
	return gcc(t, soname, source.String(), args...)
}

// patched copies a library with some bytes changed.
func patched(t testing.TB, path string, change func(data []byte, file *elf.File)) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	file, err := elf.NewFile(bytes.NewReader(data))
	require.NoError(t, err)
	before := slices.Clone(data)
	change(data, file)
	require.NotEqual(t, before, data, "the patch changed nothing")
	out := filepath.Join(t.TempDir(), filepath.Base(path))
	require.NoError(t, os.WriteFile(out, data, 0o600))
	return out
}

// retag gives the entries of the dynamic section that have one tag another.
func retag(from, to elf.DynTag) func([]byte, *elf.File) {
	return func(data []byte, file *elf.File) {
		dynamic := file.SectionByType(elf.SHT_DYNAMIC)
		for at := dynamic.Offset; at < dynamic.Offset+dynamic.FileSize; at += 2 * uint64(platform.Of(file.Class, file.Machine).PointerSize) {
			if elf.DynTag(binary.LittleEndian.Uint32(data[at:])) == from {
				binary.LittleEndian.PutUint32(data[at:], uint32(to))
			}
		}
	}
}

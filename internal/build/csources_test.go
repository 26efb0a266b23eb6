package build

import (
	"bytes"
	"context"
	"errors"
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

func TestTheSampleInCPassesTheHarness(t *testing.T) {
	eachOnce(t, func(t *testing.T, dist string, p *platform.Platform) {
		harness(t, dist, filepath.Join(dist, p.Name, "avir_csample.so"), "--kernel-floor", p.KernelFloor)
	})
}

// zig compiles all of libc++ for each platform, which takes minutes on a slow
// machine, so that the ordinary run leaves that to gcc.
func cxxToolchains() []string {
	if os.Getenv("AVIR_FULL") == "1" {
		return toolchains
	}
	return []string{toolchain.GCC}
}

func TestAPluginInCXXWithThreadsAndExceptionsPassesTheHarness(t *testing.T) {
	for _, name := range cxxToolchains() {
		for _, p := range platform.All {
			t.Run(name+" "+p.Name, func(t *testing.T) {
				b := testTarget(t, name, p)
				folder, err := readCFolder(filepath.Join(b.Root, "testdata", "cxxplugin"))
				require.NoError(t, err)
				library := &Library{}
				require.NoError(t, b.plugin(context.Background(), Plugin{Name: "avir_cxx", Dir: "testdata/cxxplugin", c: folder}, library))
				assert.Equal(t, []string{export}, library.Audit.Exports)
				for _, needed := range library.Audit.Needed {
					assert.NotContains(t, needed, "stdc++", "the target systems' own is older")
				}
				harness(t, dist(t, name), b.staged("avir_cxx.so"), "--kernel-floor", p.KernelFloor)
			})
		}
	}
}

const (
	simpleHeader = "#define AVPLUGIN_SHORTCUT \"avir_mine\"\n#define AVPLUGIN_DESCRIPTION \"Mine 1.0\"\n"
	simpleSource = `#include "mine.h"
#include "avPlugin.h"
avir_plugin_config plugin_config[] = {{"", ""}};
const int CONFIG_SIZE = 1;
int pluginInit(void) { return 1; }
int pluginClose(void) { return 1; }
int threadInit(void **context) { return context != 0; }
int threadClose(void **context) { return context != 0; }
int testFile(void *c, const char *f, const char *n, char *r, unsigned int rs, char *info, unsigned int size) {
    (void)c, (void)f, (void)n, (void)r, (void)rs, (void)info, (void)size;
    return ANSWER;
}
`
)

// cPlugin writes the files of a plugin in C and builds it with gcc.
func cPlugin(t *testing.T, files map[string]string) (dir string, err error) {
	t.Helper()
	dir = folderOf(t, files)
	return dir, buildFolder(t, toolchain.GCC, dir)
}

func buildFolder(t *testing.T, toolchain, dir string) error {
	t.Helper()
	b := testTarget(t, toolchain, platform.Native())
	folder, err := readCFolder(dir)
	if err != nil {
		return err
	}
	require.NotNil(t, folder)
	plugin := Plugin{Name: "avir_mine", Dir: dir, c: folder}
	if err := plugin.check(b.platform); err != nil {
		return err
	}
	return b.plugin(context.Background(), plugin, &Library{})
}

func folderOf(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
	}
	return dir
}

func TestAFlagsFileNamesFoldersDefinesAndArchives(t *testing.T) {
	_, err := cPlugin(t, map[string]string{
		"mine.c": simpleSource, "engine/include/mine.h": simpleHeader,
		FlagsFile: "# where the engine is\n-Iengine/include\n\n  -DANSWER=AVCHK_FAILED  \n",
	})
	require.NoError(t, err)

	dir, err := cPlugin(t, map[string]string{"mine.c": simpleSource, "mine.h": simpleHeader, FlagsFile: "'-DANSWER=engine_answer()' -Iengine\nlibengine.a -includeengine.h\n",
		"engine/engine.h": "int engine_answer(void);\n"})
	require.ErrorContains(t, err, "libengine.a, which does not exist", "the archive is looked for")

	engine := filepath.Join(dir, "engine.o")
	compile := exec.Command("gcc", "-fPIC", "-x", "c", "-c", "-o", engine, "-")
	compile.Stdin, err = os.Open(writeFile(t, filepath.Join(dir, "engine.source"), "int engine_answer(void) { return 1; }\n"))
	require.NoError(t, err)
	require.NoError(t, compile.Run())
	require.NoError(t, exec.Command("ar", "rc", filepath.Join(dir, "libengine.a"), engine).Run())
	require.NoError(t, buildFolder(t, toolchain.GCC, dir))
}

func TestTheMacrosWithTheNameMayStandAmongCXXOrInASource(t *testing.T) {
	const body = "#define ANSWER AVCHK_FAILED\n" + simpleSource
	for name, files := range map[string]map[string]string{
		"a header for C++": {"mine.cpp": "#include \"avPlugin.h\"\n" + body, "mine.h": "#include <string>\nextern std::string engine;\n" + simpleHeader},
		"a source":         {"mine.c": simpleHeader + strings.ReplaceAll(body, "#include \"mine.h\"\n", "")},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := cPlugin(t, files)
			assert.NoError(t, err)
		})
	}
}

func writeFile(t *testing.T, path, text string) string {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// Two vendors' folders, one with a name that a compiler's flag could misread.
func TestTheNameOfAFolderIsNotInTheLibrary(t *testing.T) {
	var libraries [][]byte
	for _, name := range []string{"mine", "a=b, c's [d]"} {
		dir := filepath.Join(t.TempDir(), name)
		write(t, filepath.Join(dir, "mine.c"), "#define ANSWER sizeof __FILE__ == 0\n"+simpleSource)
		write(t, filepath.Join(dir, "mine.h"), simpleHeader)
		folder, err := readCFolder(dir)
		require.NoError(t, err)
		b := testTarget(t, toolchain.Zig, platform.Native())
		require.NoError(t, b.plugin(context.Background(), Plugin{Name: "avir_mine", Dir: dir, c: folder}, &Library{}))
		library, err := os.ReadFile(b.staged("avir_mine.so"))
		require.NoError(t, err)
		libraries = append(libraries, library)
	}
	assert.True(t, bytes.Equal(libraries[0], libraries[1]))
}

func TestAPluginInCIsRefusedWithTheReason(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"nothing names it":      {map[string]string{"mine.c": simpleSource, "mine.h": "", FlagsFile: "-DANSWER=0"}, `#define AVPLUGIN_SHORTCUT "avir_mine"`},
		"it has another name":   {map[string]string{"mine.c": simpleSource, "mine.h": "#define AVPLUGIN_SHORTCUT \"avir_other\"\n", FlagsFile: "-DANSWER=0"}, `"avir_other", and the library will be avir_mine.so`},
		"it lacks a function":   {map[string]string{"mine.c": "#include \"avPlugin.h\"\n#include \"mine.h\"\n", "mine.h": simpleHeader}, ", testFile: the plugin's own sources define it, with exactly the parameters in avPlugin.h"},
		"it does not compile":   {map[string]string{"mine.c": simpleSource, "mine.h": simpleHeader}, "ANSWER"},
		"it needs a newer libc": {map[string]string{"mine.c": simpleSource + "#include <sys/random.h>\nlong later(void) { return getrandom(0, 0, 0); }\n", "mine.h": simpleHeader, FlagsFile: "-DANSWER=0"}, "\ngetrandom: glibc 2.11, the oldest supported, lacks it: do without"},
		"it ends the process":   {map[string]string{"mine.c": "#include <stdlib.h>\n#include <err.h>\n#define ANSWER (size ? exit(1), 0 : (errx(1, f), 0))\n" + simpleSource, "mine.h": simpleHeader}, "it may end the host's process: mine.c calls exit, mine.c calls errx: return a failure instead"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := cPlugin(t, c.files)
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestABuildWarnsOfWhatMayEndTheProcess(t *testing.T) {
	out := prints(t)
	_, err := cPlugin(t, map[string]string{"mine.c": "#include <unistd.h>\n#include <assert.h>\n#define ANSWER (assert(size), fork() == 0 ? _exit(1), 0 : 0)\n" + simpleSource, "mine.h": simpleHeader})
	require.NoError(t, err)
	assert.Contains(t, out.String(), ".so: mine.c calls _exit, which only a forked child may do\n")
	assert.Contains(t, out.String(), ".so: mine.c calls __assert_fail, which ends the host's process\n")
	assert.Contains(t, out.String(), ".so: warning [exit] may end the host's process")
}

// What a compiler or linker says of a name that it does not find, as far as it is C's.
func TestAMissingFunctionOfANewerGlibcIsNamed(t *testing.T) {
	b := &target{platform: platform.All[0], builder: &builder{Options: Options{Root: "/here"}, tc: &toolchain.Toolchain{Name: toolchain.Zig}}}
	for text, want := range map[string]string{
		"mine.c:(.text+0x5): undefined reference to `memfd_create'":                                         "\nmemfd_create: glibc 2.11, the oldest supported, lacks it",
		"ld.lld: undefined symbol: secure_getenv\n    note: referenced by a.o":                              "\nsecure_getenv: glibc 2.11",
		"mine.c:3:9: error: call to undeclared function 'explicit_bzero'; ISO C99 and later do not":         "\nexplicit_bzero: glibc 2.11",
		"mine.c:3:9: error: implicit declaration of function ‘reallocarray’ [-Werror=implicit-function-de]": "\nreallocarray: glibc 2.11",
		"mine.cpp:3:9: error: ‘getrandom’ was not declared in this scope; did you mean ‘random’?":           "\ngetrandom: glibc 2.11",
		"mine.cpp:3:9: error: use of undeclared identifier 'getentropy'\nundefined reference to `engine'":   "\ngetentropy: glibc 2.11, the oldest supported, lacks it: do without\nengine: no source and no archive has it: name one that does in build.flags",
		"undefined symbol: __ubsan_handle_load_invalid_value\nundefined symbol: engine":                     "\n__ubsan_handle_load_invalid_value: checks of a sanitizer, which zig adds without -O: compile the archive with -O2 and -fno-sanitize=all\nengine: no source",
		"undefined reference to `engine::scan(char const*)'":                                                "",
		"mine.c:3:9: error: use of undeclared identifier 'typo'":                                            "",
		"mine.c:3:9: error: call to undeclared function 'lstat'; ISO":                                       "", // in libc_nonshared.a
		"mine.c:3:9: warning: implicit declaration of function ‘explicit_bzero’":                            "",
		"mine.c:3:9: error: implicit declaration of function ‘strlen’":                                      "",
	} {
		err := b.explainMissing(errors.New(text))
		if want == "" {
			assert.EqualError(t, err, text)
			continue
		}
		assert.ErrorContains(t, err, text+want)
	}
	assert.NoError(t, b.explainMissing(nil))
}

func TestWhatAFolderOfSourcesIs(t *testing.T) {
	for name, c := range map[string]struct {
		files   map[string]string
		sources []string
		simple  bool
	}{
		"C on the simple API":              {map[string]string{"a.c": "# include <avPlugin.h>\n", "a.h": ""}, []string{"a.c"}, true},
		"the header alone":                 {map[string]string{"a.c": "#include \"avApi.h\"\n"}, []string{"a.c"}, false},
		"C++ beside C":                     {map[string]string{"a.cpp": "", "b.c": "", "c.cc": ""}, []string{"a.cpp", "b.c", "c.cc"}, false},
		"with a copy of the SDK":           {map[string]string{"a.c": "#include \"avPlugin.h\"\n", "avCommon.c": ""}, []string{"a.c", "avCommon.c"}, false},
		"Go with cgo":                      {map[string]string{"a.c": "", "main.go": "package main\n"}, nil, false},
		"a module":                         {map[string]string{"a.c": "", "go.mod": ""}, nil, false},
		"nothing that can be compiled":     {map[string]string{"a.h": "", "readme.txt": ""}, nil, false},
		"an include that is commented out": {map[string]string{"a.c": "// #include \"avPlugin.h\"\n"}, []string{"a.c"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range c.files {
				writeFile(t, filepath.Join(dir, file), text)
			}
			f, err := readCFolder(dir)
			require.NoError(t, err)
			if c.sources == nil {
				assert.Nil(t, f)
				return
			}
			assert.Equal(t, c.sources, f.sources)
			assert.Equal(t, c.simple, f.simple)
		})
	}
}

package build

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/run"
)

func TestAFlagReachesTheSourcesThatItIsFor(t *testing.T) {
	dir := folderOf(t, map[string]string{"mine.c": "", "src/a.c": "", "src/b.cpp": "", FlagsFile: `# both
-I 'my engine' -DNAME="\"x y\"" "src/*.c"
-std=c++20 -std=gnu11 -fno-rtti -Wall -flto -include all.h
c++: -DFAST -Wnon-virtual-dtor src/b.cpp
linux-386: lib32/libengine.a
linux-amd64: c: -DWIDE
linux-amd64: -Llib64 -l engine -Wl,--start-group -u start
`})
	f, err := readCFolder(dir)
	require.NoError(t, err)

	wide, err := f.arguments(named(t, "linux-amd64"))
	require.NoError(t, err)
	assert.Equal(t, cArguments{
		sources:    []string{"src/a.c", "src/b.cpp"},
		preprocess: []string{"-I", "my engine", `-DNAME="x y"`},
		c:          []string{"-std=gnu11", "-Wall", "-include", "all.h", "-DWIDE"},
		cxx:        []string{"-std=c++20", "-fno-rtti", "-Wall", "-include", "all.h", "-DFAST", "-Wnon-virtual-dtor"},
		link:       []string{"-Wall", "-Llib64", "-lengine", "-Wl,--start-group", "-u", "start"},
	}, wide)
	narrow, err := f.arguments(named(t, "linux-386"))
	require.NoError(t, err)
	assert.Equal(t, []string{"-Wall", "lib32/libengine.a"}, narrow.link)
}

func TestAWrongLineOfFlagsIsNamed(t *testing.T) {
	for line, want := range map[string]string{
		"-DX=f()":                      ":2: ", // as in a shell
		"-DX='y":                       "put quotes around",
		"-DX=1; -DY=2":                 "put quotes around",
		"linux-arm: x.a":               `not for "linux-arm:"`,
		"cxx: -Wall":                   "a line can be for c:, for c++: or for one of linux-386, linux-amd64",
		"src/*.cpp":                    "no source in ",
		"engine.a":                     "engine.a, which does not exist",
		"linux-386: wide.a":            `wide.a, which holds code for linux-amd64, in a build for linux-386: begin the line with "linux-amd64:"`,
		"-L. -lwide":                   "libwide.so, a shared library",
		"wide.so.1":                    "wide.so.1, a shared library, which the systems of the plugin's users don't have: link a static archive",
		"linux-amd64: wide.a -u wid.e": "",
	} {
		t.Run(line, func(t *testing.T) {
			dir := folderOf(t, map[string]string{"mine.c": "", FlagsFile: "# comment\n" + line + "\n"})
			object := filepath.Join(dir, "wide.o")
			compile := exec.Command("gcc", "-c", "-x", "c", "-o", object, "/dev/null")
			require.NoError(t, compile.Run())
			require.NoError(t, exec.Command("ar", "rc", filepath.Join(dir, "wide.a"), object).Run())
			require.NoError(t, exec.Command("gcc", "-shared", "-o", filepath.Join(dir, "wide.so.1"), object).Run())
			require.NoError(t, os.Symlink("wide.so.1", filepath.Join(dir, "libwide.so")))

			f, err := readCFolder(dir)
			if err == nil {
				err = Plugin{Name: "avir_mine", c: f}.check(platform.All...)
			}

			if want == "" {
				assert.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, want)
			assert.ErrorContains(t, err, filepath.Join(dir, FlagsFile))
		})
	}
}

// prints collects the lines of progress.
func prints(t *testing.T) *bytes.Buffer {
	t.Helper()
	var out bytes.Buffer
	before := run.Out
	run.Out = &out
	t.Cleanup(func() { run.Out = before })
	return &out
}

// Both toolchains refuse -std=c++17 for C; zig refuses -Wall -Werror with flags
// that it does not use.
func TestFlagsOfOneLanguageLeaveSourcesInTheOtherAlone(t *testing.T) {
	for _, name := range cxxToolchains() {
		t.Run(name, func(t *testing.T) {
			out := prints(t)
			dir := folderOf(t, map[string]string{"mine.c": "#if __STDC_VERSION__ != 199901L\n#error not C99\n#endif\n" + simpleSource, "mine.h": simpleHeader,
				"engine.cc":       "#include \"engine/two.h\"\n#if __cplusplus != 201703L\n#error not C++17\n#endif\nint plus() { return two; }\n",
				"engine/two.h":    "constexpr int two = 2;\n",
				"engine/a/more.c": "int more;\n", "engine/b/more.c": "int still_more;\n",
				FlagsFile: "-std=c99 -std=c++17 -fno-rtti -Wall -Wextra -Wconversion -Werror -DANSWER=AVCHK_FAILED\nc++: -Wnon-virtual-dtor\nengine/*/*.c\n"})
			require.NoError(t, buildFolder(t, name, dir))
			assert.NotContains(t, out.String(), "leaves out", "all that is in subfolders is named")
		})
	}
}

func TestABuildSaysWhatItMakesOfAnAuthorsFiles(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"a copy of the SDK":          {map[string]string{"mine.c": "", "avCommon.c": "", "avPlugin.h": ""}, "avir_mine takes avCommon.c, avPlugin.h from "},
		"a copy on the include path": {map[string]string{"mine.c": "", "sdk/avApi.h": "", FlagsFile: "-Isdk/"}, "avir_mine takes sdk/avApi.h from "},
		"a copy that nobody uses":    {map[string]string{"mine.c": "", "old/avApi.h": ""}, ""},
		"sources in a subfolder":     {map[string]string{"mine.c": "", "src/a.c": "", "src/b.c": "", "t/c.c": "", "u/d.cc": ""}, "leaves out src/a.c, src/b.c, t/c.c and 1 more: sources in subfolders are compiled if build.flags names them, such as src/*.c"},
		"those of others":            {map[string]string{"mine.c": "", ".git/a.c": "", "dist/a.c": ""}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			out := prints(t)
			f, err := readCFolder(folderOf(t, c.files))
			require.NoError(t, err)
			require.NoError(t, Plugin{Name: "avir_mine", c: f}.check())
			if c.want == "" {
				assert.Empty(t, out.String())
			}
			assert.Contains(t, out.String(), c.want)
		})
	}
}

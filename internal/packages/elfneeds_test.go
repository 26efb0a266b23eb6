package packages

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/platform"
)

func TestTheGlibcDependencyIsTheHighestVersionNeeded(t *testing.T) {
	for _, tc := range []struct {
		versions []string
		want     string
	}{
		{nil, "libc6 (>= 2.3.6-6~)"},
		{[]string{"GLIBC_2.0", "GLIBC_2.1.3"}, "libc6 (>= 2.3.6-6~)"},
		{[]string{"GLIBC_2.3.4", "GLIBC_2.2"}, "libc6 (>= 2.3.6-6~)"},
		{[]string{"GLIBC_2.4", "GLIBC_2.3.4"}, "libc6 (>= 2.4)"},
		{[]string{"GLIBC_2.4", "GLIBC_2.11", "GLIBC_2.9"}, "libc6 (>= 2.11)"},
		{[]string{"GLIBC_2.4", "GLIBC_2.4.1"}, "libc6 (>= 2.4.1)"},
	} {
		got, err := debGlibc(tc.versions)
		require.NoError(t, err)
		assert.Equal(t, tc.want, got, "%q", tc.versions)
	}
	for _, wrong := range []string{"GLIBC_PRIVATE", "GLIBC_2.1.2.3", "GCC_3.0", "GLIBC_ABI_DT_RELR", ""} {
		_, err := debGlibc([]string{"GLIBC_2.4", wrong})
		assert.Error(t, err, wrong)
	}
}

func TestNeedsAreReadFromALibrary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "avir_x.so")
	for i, want := range [][]string{{"libc.so.6", "libc.so.6(GLIBC_2.0)"}, {"libc.so.6()(64bit)", "libc.so.6(GLIBC_2.2.5)(64bit)"}} {
		of := platform.All[i]
		compile(t, of, path, allocating, "-Wl,--hash-style=gnu")
		_, needs, err := readNeeds(path, of)
		require.NoError(t, err)
		assert.Subset(t, needs, append(want, "rtld(GNU_HASH)"))

		compile(t, of, path, allocating, "-Wl,--hash-style=both")
		_, needs, err = readNeeds(path, of)
		require.NoError(t, err)
		assert.NotContains(t, needs, "rtld(GNU_HASH)", "an old dynamic linker can use the other table")
	}
}

func TestALibraryThatCantBePackagedIsRefused(t *testing.T) {
	dir, of := t.TempDir(), platform.All[0]
	compile(t, of, filepath.Join(dir, "libother.so"), "int other(void) { return 1; }\n", "-Wl,-soname,libother.so.1")
	linked := filepath.Join(dir, "avir_linked.so")
	compile(t, of, linked, "int other(void);\nint f(void) { return other(); }\n", "-L"+dir, "-lother")
	wider := filepath.Join(dir, "avir_wider.so")
	compile(t, platform.All[1], wider, allocating)
	for _, tc := range []struct{ name, path, want string }{
		{"one of the other width", wider, "no shared library for 32-bit x86 (i386) (ET_DYN, ELFCLASS64, EM_X86_64)"},
		{"one that is not built", filepath.Join(dir, "avir_none.so"), "is not built: run go tool mage build"},
		{"a 64-bit program", "/bin/ls", "no shared library for 32-bit x86"},
		{"a text", "elfneeds_test.go", "read the library"},
		{"one that needs more than glibc", linked, "needs libother.so.1, which is not part of glibc"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := readNeeds(tc.path, of)
			assert.ErrorContains(t, err, tc.want)
		})
	}
}

package toolchain

import (
	"context"
	"debug/elf"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// defined returns the symbols that a library defines, as "name version".
func defined(t *testing.T, path string) map[string]bool {
	t.Helper()
	f, err := elf.Open(path)
	require.NoError(t, err)
	defer f.Close()
	symbols, err := f.DynamicSymbols()
	require.NoError(t, err)
	have := make(map[string]bool)
	for _, s := range symbols {
		if s.Section != elf.SHN_UNDEF {
			have[s.Name+" "+s.Version] = true
		}
	}
	return have
}

func TestStubsHaveTheSonamesAndVersionsOfTheFloor(t *testing.T) {
	libs, err := parseABIList(abilist)
	require.NoError(t, err)
	cache := t.TempDir()
	dir, err := stubLibraries(context.Background(), cache)
	require.NoError(t, err, "needs the Debian package gcc-multilib")
	require.Len(t, libs, 7)
	for _, l := range libs {
		have := defined(t, filepath.Join(dir, l.soname))
		for _, s := range l.symbols {
			assert.True(t, have[s.name+" "+s.version], "%s: %s %s", l.soname, s.name, s.version)
		}
	}
	again, err := stubLibraries(context.Background(), cache)
	require.NoError(t, err)
	assert.Equal(t, dir, again)
}

// glibc keeps every version for ever, though it moves symbols into libc: all
// that the list says must be found in the C library of this machine.
func TestTheListAgreesWithARealGlibc(t *testing.T) {
	libs, err := parseABIList(abilist)
	require.NoError(t, err)
	real := make(map[string]bool)
	for _, l := range libs {
		path := filepath.Join("/usr/lib32", l.soname)
		if _, err := os.Stat(path); err != nil {
			path = filepath.Join("/lib/i386-linux-gnu", l.soname)
		}
		if _, err := os.Stat(path); err != nil {
			t.Fatalf("no 32-bit %s: install the Debian package libc6-i386", l.soname)
		}
		for s := range defined(t, path) {
			real[s] = true
		}
	}
	missing := 0
	for _, l := range libs {
		for _, s := range l.symbols {
			if !real[s.name+" "+s.version] {
				t.Logf("%s: %s %s", l.soname, s.name, s.version)
				missing++
			}
		}
	}
	// Some obsolete symbols were dropped since 2.11, the old resolver's and
	// Sun RPC's internals among them; a wrong list would miss hundreds.
	assert.Less(t, missing, 40)
}

func TestParseABIListRefusesWhatItDoesNotUnderstand(t *testing.T) {
	for name, text := range map[string]string{
		"a symbol before any soname": "abort GLIBC_2.0\n",
		"a symbol without a version": "[libc.so.6]\nabort\n",
		"a line of four words":       "[libc.so.6]\nabort GLIBC_2.0 4 5\n",
	} {
		_, err := parseABIList(text)
		assert.ErrorContains(t, err, "line ", name)
	}
}

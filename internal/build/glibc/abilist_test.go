package glibc

import (
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

// glibc keeps every version for ever, though it moves symbols into libc: all
// that the list says must be found in the C library of this machine.
func TestTheListAgreesWithARealGlibc(t *testing.T) {
	real := make(map[string]bool)
	for _, l := range Libraries() {
		path := filepath.Join("/usr/lib32", l.Soname)
		if _, err := os.Stat(path); err != nil {
			path = filepath.Join("/lib/i386-linux-gnu", l.Soname)
		}
		if _, err := os.Stat(path); err != nil {
			t.Fatalf("no 32-bit %s: install the Debian package libc6-i386", l.Soname)
		}
		for s := range defined(t, path) {
			real[s] = true
		}
	}
	missing := 0
	for _, l := range Libraries() {
		for _, s := range l.Symbols {
			if !real[s.Name+" "+s.Version] {
				t.Logf("%s: %s %s", l.Soname, s.Name, s.Version)
				missing++
			}
		}
	}
	// Some obsolete symbols were dropped since 2.11, the old resolver's and
	// Sun RPC's internals among them; a wrong list would miss hundreds.
	assert.Less(t, missing, 40)
}

func TestParseRefusesWhatItDoesNotUnderstand(t *testing.T) {
	for name, text := range map[string]string{
		"a symbol before any soname": "abort GLIBC_2.0\n",
		"a symbol without a version": "[libc.so.6]\nabort\n",
		"a line of four words":       "[libc.so.6]\nabort GLIBC_2.0 4 5\n",
	} {
		_, err := parse(text)
		assert.ErrorContains(t, err, "line ", name)
	}
}

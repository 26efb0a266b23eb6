package glibc_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/glibc"
	"github.com/avirkit/avirkit/internal/build/platform"
)

// glibc keeps every version for ever, though it moves symbols into libc: all
// that the lists say must be found in the C libraries of this machine.
func TestTheListsAgreeWithARealGlibc(t *testing.T) {
	for _, p := range platform.All {
		t.Run(p.Name, func(t *testing.T) {
			real := make(map[string]bool)
			for _, soname := range p.Glibc().Sonames() {
				symbols, err := glibc.Defined(installed(t, p, soname))
				require.NoError(t, err)
				for _, s := range symbols {
					real[s.Name+" "+s.Version] = true
				}
			}
			missing, listed := 0, 0
			for _, l := range p.Glibc().Libraries {
				for _, s := range l.Symbols {
					listed++
					if !real[s.Name+" "+s.Version] {
						t.Logf("%s: %s %s", l.Soname, s.Name, s.Version)
						missing++
					}
				}
			}
			assert.Greater(t, listed, 2700, "glibc 2.11 has more symbols")
			// Some obsolete symbols were dropped since 2.11, the old resolver's
			// and Sun RPC's internals among them; a wrong list would miss hundreds.
			assert.Less(t, missing, 40)
		})
	}
}

// installed is the path of a library of this machine's C library.
func installed(t *testing.T, p *platform.Platform, soname string) string {
	t.Helper()
	for _, dir := range p.LibraryFolders {
		path := filepath.Join(dir, soname)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Fatalf("no %s of %s in %v: install %v", soname, p, p.LibraryFolders, p.RunPackages)
	return ""
}

package glibc_test

import (
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
			folder, err := p.LibraryFolder()
			require.NoError(t, err, "install %v", p.RunPackages)
			real := make(map[string]bool)
			for _, soname := range p.Glibc().Sonames() {
				symbols, err := glibc.Defined(filepath.Join(folder, soname))
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

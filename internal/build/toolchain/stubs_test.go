package toolchain

import (
	"context"
	"debug/elf"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/platform"
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
	for _, p := range platform.All {
		t.Run(p.Name, func(t *testing.T) {
			cache := t.TempDir()
			dir, err := stubLibraries(context.Background(), cache, p)
			require.NoError(t, err, "needs the Debian packages %v", p.GCCPackages)
			require.Len(t, p.Glibc().Libraries, 7)
			for _, l := range p.Glibc().Libraries {
				have := defined(t, filepath.Join(dir, l.Soname))
				for _, s := range l.Symbols {
					assert.True(t, have[s.Name+" "+s.Version], "%s: %s %s", l.Soname, s.Name, s.Version)
				}
			}
			again, err := stubLibraries(context.Background(), cache, p)
			require.NoError(t, err)
			assert.Equal(t, dir, again)
		})
	}
}

package toolchain

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/glibc"
	"github.com/avirkit/avirkit/internal/build/platform"
)

func TestStubsHaveTheSonamesAndVersionsOfTheFloor(t *testing.T) {
	for _, p := range platform.All {
		t.Run(p.Name, func(t *testing.T) {
			cache := t.TempDir()
			dir, err := stubLibraries(context.Background(), cache, p)
			require.NoError(t, err, "needs the Debian packages %v", p.GCCPackages)
			require.Len(t, p.Glibc().Libraries, 7)
			for _, l := range p.Glibc().Libraries {
				have, err := glibc.Defined(filepath.Join(dir, l.Soname))
				require.NoError(t, err)
				for _, s := range l.Symbols {
					assert.Contains(t, have, glibc.Symbol{Name: s.Name, Version: s.Version}, l.Soname)
				}
			}
			again, err := stubLibraries(context.Background(), cache, p)
			require.NoError(t, err)
			assert.Equal(t, dir, again)
		})
	}
}

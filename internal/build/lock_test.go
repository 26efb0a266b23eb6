package build

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/run"
)

func TestABuildWaitsForAnotherOfItsCheckout(t *testing.T) {
	root, err := run.Root()
	require.NoError(t, err)
	for name, build := range map[string]func(context.Context) error{
		"a build of dist": func(ctx context.Context) error {
			_, err := Run(ctx, Options{Root: root, Toolchain: toolchain.GCC, Dist: TestDist(root, toolchain.GCC)})
			return err
		},
		"a build of more libraries": func(ctx context.Context) error {
			return Extra(ctx, Options{Root: root, Toolchain: toolchain.GCC, Dist: t.TempDir()})
		},
	} {
		t.Run(name, func(t *testing.T) {
			unlock, err := Lock(context.Background(), root)
			require.NoError(t, err)
			defer unlock()
			ctx, cancel := context.WithCancel(context.Background())
			cancel()

			assert.ErrorIs(t, build(ctx), context.Canceled)
			assert.ErrorContains(t, build(ctx), "lock ", "it does nothing before it has the lock")
		})
	}
}

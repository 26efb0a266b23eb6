package build

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/run"
)

// line is a writer whose reader learns that something was written.
type line chan struct{}

func (l line) Write(p []byte) (int, error) {
	select {
	case l <- struct{}{}:
	default:
	}
	return len(p), nil
}

func TestWhoRemovesTheCacheKeepsItsLockFromTheNext(t *testing.T) {
	root := t.TempDir()
	unlock, err := Lock(context.Background(), root)
	require.NoError(t, err)
	printed, old := make(line, 1), run.Out
	run.Out = printed
	t.Cleanup(func() { run.Out = old })
	waiting := make(chan func())
	go func() {
		unlock, err := Lock(context.Background(), root)
		if err != nil {
			t.Error(err)
		}
		waiting <- unlock
	}()

	<-printed // that it waits
	require.NoError(t, os.RemoveAll(filepath.Join(root, ".cache")))
	unlock()

	held := <-waiting
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = Lock(ctx, root)
	require.ErrorIs(t, err, context.Canceled, "the file that the second one locked is the one in place")
	held()
}

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

package run

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
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
	cache := filepath.Join(t.TempDir(), "cache")
	lock := func(ctx context.Context) (func(), error) {
		return LockFile(ctx, filepath.Join(cache, "lock"), "another one")
	}
	unlock, err := lock(context.Background())
	require.NoError(t, err)
	printed, old := make(line, 1), Out
	Out = printed
	t.Cleanup(func() { Out = old })
	waiting := make(chan func())
	go func() {
		unlock, err := lock(context.Background())
		if err != nil {
			t.Error(err)
		}
		waiting <- unlock
	}()

	<-printed // that it waits
	require.NoError(t, os.RemoveAll(cache))
	unlock()

	held := <-waiting
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = lock(ctx)
	require.ErrorIs(t, err, context.Canceled, "the file that the second one locked is the one in place")
	held()
}

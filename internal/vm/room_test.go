package vm

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAsManyMachinesRunAtOnceAsFit(t *testing.T) {
	machines := []*Machine{{Name: "a", Memory: 384}, {Name: "b", Memory: 744}, {Name: "c", Memory: 384}}
	for name, c := range map[string]struct{ available, processors, want int }{
		"all of them":             {100000, 16, 3},
		"one more than processor": {100000, 1, 2},
		"two in so much memory":   {2100, 16, 2},
		"one in little memory":    {1000, 16, 1},
		"never more than machine": {1 << 30, 1 << 20, 3},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := parallel(machines, c.available, c.processors)
			require.NoError(t, err)
			assert.Equal(t, c.want, n)
		})
	}
	_, err := parallel(machines, 999, 2)
	assert.ErrorContains(t, err, "machine b needs 1000 MB, 999 MB are available")
}

func TestTooLittleDiskSpaceIsSaidBeforeTheWork(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, needSpace(dir, 1))
	err := needSpace(dir, 1<<62)
	assert.ErrorContains(t, err, "not enough disk space: "+dir)
	assert.ErrorContains(t, err, "are needed: free some")
	assert.Error(t, needSpace("/nonexistent", 1))
}

func TestThisMachineHasMemory(t *testing.T) {
	n, err := availableMemory()
	require.NoError(t, err)
	assert.Positive(t, n)
}

func TestOneRunOfACheckoutAtATime(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lock(dir)
	require.NoError(t, err)
	_, err = lock(dir)
	assert.ErrorContains(t, err, "another vm:box or test:vm of this checkout runs")
	unlock()
	unlock, err = lock(dir)
	require.NoError(t, err)
	unlock()
}

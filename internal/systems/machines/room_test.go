package machines

import (
	"path/filepath"
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

func TestAContainerHasTheMemoryOfItsGroups(t *testing.T) {
	root := t.TempDir()
	for path, text := range map[string]string{
		"a/b/memory.max": "max\n", "a/b/memory.current": "1048576\n",
		"a/memory.max": "1073741824\n", "a/memory.current": "943718400\n", "a/memory.stat": "anon 1\ninactive_file 104857600\n",
		"memory/v1/memory.limit_in_bytes": "536870912\n", "memory/v1/memory.usage_in_bytes": "104857600\n",
		"memory/free/memory.limit_in_bytes": "9223372036854771712\n", "memory/free/memory.usage_in_bytes": "104857600\n",
	} {
		write(t, filepath.Join(root, path), text)
	}
	const unlimited = 1 << 40
	assert.Equal(t, 1024-900+100, groupMemory(root, "0::/a/b\n"), "the group above limits; cached files give way")
	assert.Equal(t, 512-100, groupMemory(root, "5:cpu,memory:/v1\n1:name=systemd:/x\n"))
	assert.Greater(t, groupMemory(root, "5:memory:/free\n"), unlimited)
	assert.Greater(t, groupMemory(root, "0::/unseen\n"), unlimited)
	assert.Greater(t, groupMemory(root, ""), unlimited)
}

func TestSpaceIsAskedForWhereTheDisksWillLie(t *testing.T) {
	cache := t.TempDir()
	assert.Equal(t, []string{cache}, spaceFolders(ownLibvirt, cache, filepath.Join(cache, "vagrant")))
	home := t.TempDir()
	assert.Equal(t, []string{cache, home}, spaceFolders(virtualBox, cache, home))
	assert.Equal(t, home, spaceFolders(systemLibvirt, cache, home)[1])
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

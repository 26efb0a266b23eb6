package machines

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheKernelOfABoxLiesWhereEveryUserCanReadIt(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	root := t.TempDir()
	s, err := begin(t.Context(), root, plain, "")
	require.NoError(t, err)
	run := &testRun{options: Options{Root: root}, vagrant: &vagrant{session: s}}
	file := write(t, filepath.Join(root, "file"), "kernel")
	box := filepath.Join(cacheDir(root), "boxes", "debian12-i386.box")
	require.NoError(t, os.MkdirAll(filepath.Dir(box), 0o755))
	require.NoError(t, writeBox(box+".new", box, nil, map[string]string{"box.img": file, "vmlinuz": file, "initrd.img": file}))
	ours, others := &Machine{Name: "debian12", File: box}, &Machine{Name: "debian6", File: file}

	require.NoError(t, run.bootFiles([]*Machine{ours, others}))

	assert.Empty(t, others.Boot, "its box has a boot loader")
	top := filepath.Dir(ours.Boot)
	for path, mode := range map[string]os.FileMode{top: 0o755, ours.Boot: 0o755,
		filepath.Join(ours.Boot, "vmlinuz"): 0o644, filepath.Join(ours.Boot, "initrd.img"): 0o644} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, mode, info.Mode().Perm(), path)
	}
	text, err := os.ReadFile(filepath.Join(ours.Boot, "vmlinuz"))
	require.NoError(t, err)
	assert.Equal(t, "kernel", string(text))
	require.NoError(t, s.end(false))
	assert.NoDirExists(t, top)
}

func TestABoxWithoutAKernelIsNamed(t *testing.T) {
	dir := t.TempDir()
	box := filepath.Join(dir, "a.box")
	require.NoError(t, writeBox(box+".new", box, nil, map[string]string{"vmlinuz": write(t, filepath.Join(dir, "file"), "")}))
	assert.ErrorContains(t, unpackBoot(box, filepath.Join(dir, "boot")), "lacks one of [vmlinuz initrd.img]")
}

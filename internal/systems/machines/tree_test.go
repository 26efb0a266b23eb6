package machines

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/systems/rootfs"
	"github.com/avirkit/avirkit/internal/systems/session"
	"github.com/avirkit/avirkit/internal/systems/settings"
)

// treeGuest lets ssh run in a Debian tree instead of a virtual machine.
func treeGuest(t *testing.T, root string, d rootfs.Debian) (vagrant, rootfs.Root) {
	t.Helper()
	s, err := session.Begin(t.Context(), session.Options{Cache: filepath.Join(root, ".cache", "vm-test")})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.End()) })
	tree, err := d.Unpack(t.Context(), root, s.Path("tree"), nil)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(tree.Path("home/vagrant"), 0o755))
	require.NoError(t, tree.Write("usr/bin/sudo", "#!/bin/sh\nshift\nexec \"$@\"\n", 0o755))
	fakeProgram(t, "vagrant", "echo Host")
	// No namespace of processes: what runs in the background outlives a command.
	fakeProgram(t, "ssh", `for line; do :; done
export line
exec unshare --mount --propagation private sh -c 'mount -t proc proc "`+tree.Path("proc")+`" && exec chroot "`+tree.Dir+`" sh -c "cd /home/vagrant; $line"'`)
	return vagrant{Session: s, driver: driverKVM}, tree
}

// TestTheStepsPassInATree runs all that is run in a machine, but in a tree.
func TestTheStepsPassInATree(t *testing.T) {
	if os.Getenv("AVIR_FULL") != "1" || os.Geteuid() != 0 {
		t.Skip("NOT TESTED: it takes minutes and needs root; AVIR_FULL=1 runs it")
	}
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	require.NoError(t, err)
	for name, d := range map[string]rootfs.Debian{
		"linux-386":   {Number: "12", Codename: "bookworm", Arch: "i386"},
		"linux-amd64": {Number: "12", Codename: "bookworm", Arch: "amd64", Include: []string{"libc6-i386"}},
	} {
		t.Run(name, func(t *testing.T) {
			v, tree := treeGuest(t, root, d)
			r := &testRun{Options: Options{Root: root}, vagrant: v}
			r.kit, err = makeKit(t.Context(), root, v.Session)
			require.NoError(t, err)
			m := &settings.Machine{Name: "tree", Platform: name, Packages: "deb", KernelFloor: "2.6.32"}
			dir := t.TempDir()
			c := &check{}

			require.NoError(t, c.inside(t.Context(), r, m, dir))

			for _, s := range c.steps {
				assert.False(t, s.failed, "%s: %s", s.name, s.output)
			}
			assert.NotEmpty(t, c.facts["libc"])
			assert.NoDirExists(t, tree.Path("opt/kerio/mailserver/plugin/avserver/avirs/avir_clam.so"))
			count, err := writeJUnit(dir, "tree", c.steps, nil)
			require.NoError(t, err)
			assert.Greater(t, count.tests, 100, "the harness's reports are there")
			assert.Zero(t, count.failed)
		})
	}
}

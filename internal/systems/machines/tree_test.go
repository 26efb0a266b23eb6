package machines

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/asroot"
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

// TestTheStepsPassInATreeAtFullLength runs all that is run in a machine, but in a tree.
func TestTheStepsPassInATreeAtFullLength(t *testing.T) {
	asroot.Need(t, "programs run in trees only as root")
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		platform, packages string
		system             rootfs.Debian
	}{
		"deb for i386":   {"linux-386", "deb", rootfs.Debian{Number: "12", Codename: "bookworm", Arch: "i386"}},
		"deb for amd64":  {"linux-amd64", "deb", rootfs.Debian{Number: "12", Codename: "bookworm", Arch: "amd64", Include: []string{"libc6-i386"}}},
		"rpm for x86_64": {"linux-amd64", "rpm", rootfs.Debian{Number: "11", Codename: "bullseye", Arch: "amd64", Include: []string{"rpm"}}},
	} {
		t.Run(name, func(t *testing.T) {
			v, tree := treeGuest(t, root, c.system)
			r := &testRun{Options: Options{Root: root}, vagrant: v}
			r.kit, err = makeKit(t.Context(), root, v.Session)
			require.NoError(t, err)
			m := &settings.Machine{Name: "tree", Platform: c.platform, Packages: c.packages, KernelFloor: "2.6.32", StandIn: c.system.Name()}
			if c.packages == "rpm" {
				stub, err := rootfs.StubRPM(m.For())
				require.NoError(t, err)
				require.NoError(t, tree.Write("root/glibc.rpm", string(stub), 0o644))
				_, err = tree.Run(t.Context(), "rpm", "--force-debian", "-i", "/root/glibc.rpm")
				require.NoError(t, err)
			}
			dir := t.TempDir()
			tests := &check{}

			require.NoError(t, tests.inside(t.Context(), r, m, dir))

			for _, s := range tests.steps {
				assert.False(t, s.failed, "%s: %s", s.name, s.output)
			}
			assert.NotEmpty(t, tests.facts["libc"])
			assert.NoDirExists(t, tree.Path("opt/kerio/mailserver/plugin/avserver/avirs/avir_clam.so"))
			count, err := writeJUnit(dir, "tree", tests.steps, nil)
			require.NoError(t, err)
			assert.Greater(t, count.tests, 100, "the harness's reports are there")
			assert.Zero(t, count.failed)
		})
	}
}

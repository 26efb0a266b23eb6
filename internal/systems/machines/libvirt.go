package machines

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/systems/session"
)

const libvirtURI = "qemu:///system"

// startLimit bounds the time until the run's own libvirtd answers.
const startLimit = 60 * time.Second

// poolsDir is where the system's libvirt has its storage pools.
const poolsDir = "/var/lib/libvirt/images"

// libvirtFiles configure a libvirtd that only this run's root can reach, in
// the name spaces of the run.
var libvirtFiles = map[string]string{
	"etc/libvirt/libvirtd.conf": `auth_unix_ro = "none"
auth_unix_rw = "none"
`,
	// The guests' console goes to a file, as no virtlogd runs. There is no
	// systemd to ask for cgroups, and no other user to hide devices from.
	"etc/libvirt/qemu.conf": `user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
`,
}

// virsh runs one of libvirt's commands.
func (t *testRun) virsh(ctx context.Context, args ...string) (string, error) {
	return t.Command("virsh", append([]string{"-q", "-c", libvirtURI}, args...)...).Run(ctx)
}

// awaitLibvirt waits until the libvirtd of the run answers.
func (t *testRun) awaitLibvirt(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("libvirtd does not answer within %v", startLimit))
	defer cancel()
	for {
		_, err := t.virsh(ctx, "uri")
		if err == nil {
			return nil
		}
		if said, ended := t.Ended(); ended {
			return fmt.Errorf("libvirtd ended at once: %s", said)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// networkXML describes a network that leads nowhere but to this machine.
func networkXML(name, prefix string) string {
	return fmt.Sprintf(`<network>
  <name>%s</name>
  <ip address="%s.1" netmask="255.255.255.0">
    <dhcp><range start="%s.2" end="%s.254"/></dhcp>
  </ip>
</network>
`, name, prefix, prefix, prefix)
}

// prepareLibvirt makes the network and the storage pool of the run, and
// returns the network's address.
func (t *testRun) prepareLibvirt(ctx context.Context) (network string, err error) {
	pool := filepath.Join(poolsDir, t.Name)
	if t.Mode == session.OwnLibvirt {
		if err := t.awaitLibvirt(ctx); err != nil {
			return "", err
		}
		pool = t.Path("pool")
	}
	prefix, err := t.makeNetwork(ctx)
	if err != nil {
		return "", err
	}
	for _, args := range [][]string{
		{"pool-define-as", t.Name, "dir", "--target", pool},
		{"pool-build", t.Name},
		{"pool-start", t.Name},
	} {
		if _, err := t.virsh(ctx, args...); err != nil {
			return "", err
		}
	}
	return prefix + ".0/24", nil
}

// makeNetwork makes the first private network that libvirt does not refuse, as
// it does when an interface uses it, and returns its first three numbers.
func (t *testRun) makeNetwork(ctx context.Context) (prefix string, err error) {
	file := t.Path("network.xml")
	for third := 121; third < 131; third++ {
		prefix = fmt.Sprintf("192.168.%d", third)
		if err := atomicdir.WriteFile(file, []byte(networkXML(t.Name, prefix)), 0o644); err != nil {
			return "", err
		}
		if _, err = t.virsh(ctx, "net-create", file); err == nil || !strings.Contains(err.Error(), "already in use") {
			break
		}
	}
	return prefix, err
}

package machines

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/systems/session"
)

func TestTheProviderIsWhatIsThere(t *testing.T) {
	for name, c := range map[string]struct {
		s    environment
		want session.Mode
		says string
	}{
		"the system's libvirt for a user":         {environment{libvirt: true, virtualBox: true, debian: true}, session.SystemLibvirt, ""},
		"a libvirt of our own although one is up": {environment{libvirt: true, root: true, debian: true}, session.OwnLibvirt, ""},
		"the system's for root who asks for it":   {environment{wanted: "libvirt", libvirt: true, root: true, debian: true}, session.SystemLibvirt, ""},
		"the system's for root elsewhere":         {environment{libvirt: true, root: true}, session.SystemLibvirt, ""},
		"VirtualBox where no libvirt answers":     {environment{virtualBox: true, root: true, debian: true}, session.VirtualBox, ""},
		"a libvirt of our own for root":           {environment{root: true, debian: true}, session.OwnLibvirt, ""},
		"VirtualBox when asked for":               {environment{wanted: "virtualbox", libvirt: true, virtualBox: true}, session.VirtualBox, ""},
		"libvirt when asked for":                  {environment{wanted: "libvirt", virtualBox: true, root: true, debian: true}, session.OwnLibvirt, ""},
		"nothing for an ordinary user":            {environment{debian: true}, "", "no provider for the machines"},
		"nothing for root elsewhere":              {environment{root: true}, "", "no provider for the machines"},
		"no VirtualBox although asked for":        {environment{wanted: "virtualbox", libvirt: true}, "", "no VBoxManage in PATH"},
		"no provider of a name that nobody knows": {environment{wanted: "vmware", libvirt: true}, "", "must be libvirt or virtualbox"},
	} {
		t.Run(name, func(t *testing.T) {
			m, why, err := c.s.choose()
			if c.says != "" {
				require.ErrorContains(t, err, c.says)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.want, m)
			assert.NotEmpty(t, why)
		})
	}
}

func TestKVMIsOfUseOnlyWhereQEMUSetsUpAProcessor(t *testing.T) {
	if _, err := os.Stat("/dev/kvm"); err != nil {
		assert.ErrorContains(t, probeKVM(t.Context()), "no use of KVM: open /dev/kvm")
		return
	}
	fakeProgram(t, "qemu-system-x86_64", "read word; [ $word = quit ]")
	assert.NoError(t, probeKVM(t.Context()))
	fakeProgram(t, "qemu-system-x86_64", "echo 'QEMU monitor'; echo 'failed to set MSR 0x10a to 0x69' >&2; exit 1")
	err := probeKVM(t.Context())
	assert.ErrorContains(t, err, "no use of KVM: QEMU with it fails: ")
	assert.ErrorContains(t, err, "failed to set MSR 0x10a to 0x69")
}

func TestTheDriverThatTheUserAsksForIsTaken(t *testing.T) {
	s := &session.Session{Mode: session.OwnLibvirt}
	t.Setenv("AVIR_VM_DRIVER", "qemu")
	driver, _, err := pickDriver(context.Background(), s)
	require.NoError(t, err)
	assert.Equal(t, driverQEMU, driver)
	t.Setenv("AVIR_VM_DRIVER", "xen")
	_, _, err = pickDriver(context.Background(), s)
	assert.ErrorContains(t, err, `AVIR_VM_DRIVER is "xen"`)
}

func TestTheNetworkIsOneThatNobodyUses(t *testing.T) {
	fakeProgram(t, "virsh", `for file; do :; done
grep -qE '192.168.12[12].1"' "$file" || exit 0
echo "error: internal error: Network is already in use by interface virbr0" >&2
exit 1`)
	r := &testRun{vagrant: vagrant{Session: &session.Session{Mode: session.SystemLibvirt, Dir: t.TempDir(), Name: "avirkit-1-1"}}}
	prefix, err := r.makeNetwork(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "192.168.123", prefix)
	assert.NotContains(t, networkXML("avirkit-1", prefix), "forward", "nothing leaves this machine")
	fakeProgram(t, "virsh", "echo no connection >&2; exit 1")
	_, err = r.makeNetwork(t.Context())
	assert.ErrorContains(t, err, "no connection")
}

package machines

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheProviderIsWhatIsThere(t *testing.T) {
	for name, c := range map[string]struct {
		s    surroundings
		want mode
		says string
	}{
		"the system's libvirt for a user":         {surroundings{libvirt: true, virtualBox: true, debian: true}, systemLibvirt, ""},
		"a libvirt of our own although one is up": {surroundings{libvirt: true, root: true, debian: true}, ownLibvirt, ""},
		"the system's for root who asks for it":   {surroundings{wanted: "libvirt", libvirt: true, root: true, debian: true}, systemLibvirt, ""},
		"the system's for root elsewhere":         {surroundings{libvirt: true, root: true}, systemLibvirt, ""},
		"VirtualBox where no libvirt answers":     {surroundings{virtualBox: true, root: true, debian: true}, virtualBox, ""},
		"a libvirt of our own for root":           {surroundings{root: true, debian: true}, ownLibvirt, ""},
		"VirtualBox when asked for":               {surroundings{wanted: "virtualbox", libvirt: true, virtualBox: true}, virtualBox, ""},
		"libvirt when asked for":                  {surroundings{wanted: "libvirt", virtualBox: true, root: true, debian: true}, ownLibvirt, ""},
		"nothing for an ordinary user":            {surroundings{debian: true}, "", "no provider for the machines"},
		"nothing for root elsewhere":              {surroundings{root: true}, "", "no provider for the machines"},
		"no VirtualBox although asked for":        {surroundings{wanted: "virtualbox", libvirt: true}, "", "no VBoxManage in PATH"},
		"no provider of a name that nobody knows": {surroundings{wanted: "vmware", libvirt: true}, "", "must be libvirt or virtualbox"},
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

func TestKVMThatIsSlowerThanEmulationIsNoHelp(t *testing.T) {
	assert.NoError(t, worthwhile(300*time.Millisecond, 260*time.Millisecond))
	assert.NoError(t, worthwhile(3*time.Second, 2*time.Second), "on a loaded machine both are slow")
	assert.ErrorContains(t, worthwhile(3500*time.Millisecond, 260*time.Millisecond), "3.5 s for what emulation does in 0.3 s")
}

func TestTheProbesGuestIsABootSector(t *testing.T) {
	s := bootSector()
	assert.Len(t, s, 512)
	assert.Equal(t, []byte{0x55, 0xaa}, s[510:])
	assert.Equal(t, 33, exitStatus)
}

func TestTheDriverThatTheUserAsksForIsTaken(t *testing.T) {
	s := &session{mode: ownLibvirt}
	t.Setenv("AVIR_VM_DRIVER", "qemu")
	driver, _, err := pickDriver(context.Background(), s)
	require.NoError(t, err)
	assert.Equal(t, driverQEMU, driver)
	t.Setenv("AVIR_VM_DRIVER", "xen")
	_, _, err = pickDriver(context.Background(), s)
	assert.ErrorContains(t, err, `AVIR_VM_DRIVER is "xen"`)
}

func TestTheNetworkIsOneThatNobodyUses(t *testing.T) {
	address := func(s string) net.Addr {
		ip, n, err := net.ParseCIDR(s)
		require.NoError(t, err)
		return &net.IPNet{IP: ip, Mask: n.Mask}
	}
	prefix, err := freeNetwork(nil)
	require.NoError(t, err)
	assert.Equal(t, "192.168.121", prefix)
	prefix, err = freeNetwork([]net.Addr{address("192.168.121.1/24"), address("192.168.122.128/25"), address("10.0.0.1/8")})
	require.NoError(t, err)
	assert.Equal(t, "192.168.123", prefix)
	_, err = freeNetwork([]net.Addr{address("192.168.0.5/16")})
	assert.ErrorContains(t, err, "no free network")
	assert.Contains(t, networkXML("avirkit-1", prefix), `<ip address="192.168.123.1"`)
	assert.NotContains(t, networkXML("avirkit-1", prefix), "forward", "nothing leaves this machine")
}

package machines

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/avirkit/avirkit/internal/hostdeps"
)

// surroundings is what the choice of a provider depends on.
type surroundings struct {
	wanted     string // AVIR_VM_PROVIDER
	libvirt    bool   // a libvirtd of the system answers
	virtualBox bool   // VBoxManage is in PATH
	root       bool
	debian     bool
}

// look finds out about this machine.
func look(ctx context.Context) surroundings {
	asked, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, noVBox := exec.LookPath("VBoxManage")
	_, noDebian := hostdeps.Missing(ctx)
	return surroundings{
		wanted:     os.Getenv("AVIR_VM_PROVIDER"),
		libvirt:    exec.CommandContext(asked, "virsh", "-q", "-c", "qemu:///system", "uri").Run() == nil,
		virtualBox: noVBox == nil,
		root:       os.Geteuid() == 0,
		debian:     noDebian == nil,
	}
}

// choose picks who runs the machines, and says why.
func (s surroundings) choose() (m mode, why string, err error) {
	own := s.root && s.debian
	switch s.wanted {
	case "", "libvirt", "virtualbox":
	default:
		return "", "", fmt.Errorf("AVIR_VM_PROVIDER is %q: it must be libvirt or virtualbox", s.wanted)
	}
	switch {
	case s.wanted == "virtualbox" && !s.virtualBox:
		return "", "", errors.New("AVIR_VM_PROVIDER asks for VirtualBox, but there is no VBoxManage in PATH: install VirtualBox, or unset it")
	case s.wanted == "virtualbox":
		return virtualBox, "VirtualBox, as AVIR_VM_PROVIDER asks", nil
	case s.wanted == "libvirt" && s.libvirt:
		return systemLibvirt, "libvirt of this system, as AVIR_VM_PROVIDER asks", nil
	case own && s.libvirt:
		// The system's QEMU runs as another user, who can't read root's files.
		return ownLibvirt, "a libvirt for this run alone; AVIR_VM_PROVIDER=libvirt takes this system's", nil
	case s.libvirt:
		return systemLibvirt, "libvirt of this system; AVIR_VM_PROVIDER=virtualbox takes VirtualBox", nil
	case s.virtualBox && s.wanted == "":
		return virtualBox, "VirtualBox, as there is VBoxManage and no libvirt answers; AVIR_VM_PROVIDER=libvirt takes libvirt", nil
	case own:
		return ownLibvirt, "a libvirt for this run alone, as this system has none that answers", nil
	}
	return "", "", errors.New("no provider for the machines: neither libvirt nor VirtualBox is there for this user: " +
		"start libvirtd (and be in the group libvirt), or install VirtualBox, or run this as root on Debian, which needs neither; " +
		"mage test:floor needs no machine")
}

// Debian packages for running machines with a libvirt of our own, and those
// that any run needs.
var (
	ownPackages = []string{
		"vagrant", "vagrant-libvirt", "libvirt-daemon-system", "libvirt-daemon-driver-qemu", "libvirt-clients",
		"qemu-system-x86", "qemu-utils", "dnsmasq-base", "iptables", "iproute2", "openssh-client", "util-linux",
	}
	anyPackages = []string{"vagrant", "openssh-client"}
)

// needTools makes sure that the programs of a run are there.
func needTools(ctx context.Context, m mode) error {
	if m == ownLibvirt {
		return needOwn(ctx)
	}
	for _, name := range anyPackages {
		program := map[string]string{"openssh-client": "ssh"}[name]
		if program == "" {
			program = name
		}
		if _, err := exec.LookPath(program); err == nil {
			continue
		}
		if err := hostdeps.Need(ctx, name); err != nil {
			return fmt.Errorf("no %s in PATH: %w", program, err)
		}
	}
	return nil
}

// pickDriver says whether KVM runs the guests or emulation, and why.
func pickDriver(ctx context.Context, s *session) (driver, why string, err error) {
	switch wanted := os.Getenv("AVIR_VM_DRIVER"); wanted {
	case "":
	case driverKVM, driverQEMU:
		return wanted, "as AVIR_VM_DRIVER asks", nil
	default:
		return "", "", fmt.Errorf("AVIR_VM_DRIVER is %q: it must be %s or %s", wanted, driverKVM, driverQEMU)
	}
	if s.mode == virtualBox {
		return "", "", nil
	}
	if s.mode == systemLibvirt {
		// This user may have no access to /dev/kvm while libvirt has.
		if _, err := s.command("virsh", "-q", "-c", libvirtURI, "domcapabilities", "--virttype", "kvm").Run(ctx); err != nil {
			return driverQEMU, "this system's libvirt has no KVM: guests are emulated, and slow", nil
		}
	}
	err = probeKVM(ctx, s.dir)
	switch {
	case err == nil:
		return driverKVM, "KVM works here", nil
	case s.mode == systemLibvirt && (errors.Is(err, os.ErrPermission) || errors.Is(err, exec.ErrNotFound)):
		return driverKVM, "this system's libvirt has KVM", nil
	case ctx.Err() != nil:
		return "", "", context.Cause(ctx)
	}
	return driverQEMU, err.Error() + ": guests are emulated, and slow", nil
}

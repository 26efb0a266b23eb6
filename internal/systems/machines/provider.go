package machines

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/systems/session"
)

// environment is what this machine has to run the machines with.
type environment struct {
	wanted     string // AVIR_VM_PROVIDER
	libvirt    bool   // a libvirtd of the system answers
	virtualBox bool   // VBoxManage is in PATH
	root       bool
	debian     bool
}

// look finds out about this machine.
func look(ctx context.Context) environment {
	asked, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, noVBox := exec.LookPath("VBoxManage")
	_, noDebian := hostdeps.Missing(ctx)
	_, noLibvirt := run.Command{Name: "virsh", Args: []string{"-q", "-c", libvirtURI, "uri"}}.Run(asked)
	return environment{
		wanted:     os.Getenv("AVIR_VM_PROVIDER"),
		libvirt:    noLibvirt == nil,
		virtualBox: noVBox == nil,
		root:       os.Geteuid() == 0,
		debian:     noDebian == nil,
	}
}

// choose picks who runs the machines, and says why.
func (s environment) choose() (p session.Mode, why string, err error) {
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
		return session.VirtualBox, "VirtualBox, as AVIR_VM_PROVIDER asks", nil
	case s.wanted == "libvirt" && s.libvirt:
		return session.SystemLibvirt, "libvirt of this system, as AVIR_VM_PROVIDER asks", nil
	case own && s.libvirt:
		// The system's QEMU runs as another user, who can't read root's files.
		return session.OwnLibvirt, "a libvirt for this run alone; AVIR_VM_PROVIDER=libvirt takes this system's", nil
	case s.libvirt:
		return session.SystemLibvirt, "libvirt of this system; AVIR_VM_PROVIDER=virtualbox takes VirtualBox", nil
	case s.virtualBox && s.wanted == "":
		return session.VirtualBox, "VirtualBox, as there is VBoxManage and no libvirt answers; AVIR_VM_PROVIDER=libvirt takes libvirt", nil
	case own:
		return session.OwnLibvirt, "a libvirt for this run alone, as this system has none that answers", nil
	}
	return "", "", errors.New("no provider for the machines: neither libvirt nor VirtualBox is there for this user: " +
		"start libvirtd (and be in the group libvirt), or install VirtualBox, or run this as root on Debian, which needs neither; " +
		"mage test:floor needs no machine")
}

// providerName is Vagrant's name of a provider.
func providerName(p session.Mode) string {
	if p == session.VirtualBox {
		return "virtualbox"
	}
	return "libvirt"
}

// ownPackages are the Debian packages for machines with a libvirt of our own.
var ownPackages = []string{
	"vagrant", "vagrant-libvirt", "libvirt-daemon-system", "libvirt-daemon-driver-qemu", "libvirt-clients",
	"qemu-system-x86", "qemu-utils", "dnsmasq-base", "iptables", "iproute2", "openssh-client", "util-linux",
}

// needTools makes sure that the programs of a run are there.
func needTools(ctx context.Context, p session.Mode) error {
	if p == session.OwnLibvirt {
		return hostdeps.Need(ctx, ownPackages...)
	}
	for program, pkg := range map[string]string{"vagrant": "vagrant", "ssh": "openssh-client"} {
		if _, err := exec.LookPath(program); err == nil {
			continue
		}
		if err := hostdeps.Need(ctx, pkg); err != nil {
			return fmt.Errorf("no %s in PATH: %w", program, err)
		}
	}
	return nil
}

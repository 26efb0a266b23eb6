package machines

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/systems/session"
)

// Drivers of QEMU, as libvirt calls them.
const (
	driverKVM  = "kvm"
	driverQEMU = "qemu" // emulation
)

// probeLimit bounds the start of a QEMU without a guest, which takes a tenth of
// a second.
const probeLimit = 20 * time.Second

// pickDriver says whether KVM runs the guests or emulation, and why. That a
// device /dev/kvm exists says little: a virtual machine may have one that is of
// no use.
func pickDriver(ctx context.Context, s *session.Session) (driver, why string, err error) {
	switch wanted := os.Getenv("AVIR_VM_DRIVER"); wanted {
	case "":
	case driverKVM, driverQEMU:
		return wanted, "as AVIR_VM_DRIVER asks", nil
	default:
		return "", "", fmt.Errorf("AVIR_VM_DRIVER is %q: it must be %s or %s", wanted, driverKVM, driverQEMU)
	}
	switch s.Mode {
	case session.VirtualBox:
		return "", "", nil
	case session.SystemLibvirt: // it may have KVM where this user has no access to it
		if _, err := s.Command("virsh", "-q", "-c", libvirtURI, "domcapabilities", "--virttype", "kvm").Run(ctx); err != nil {
			return driverQEMU, "this system's libvirt has no KVM: guests are emulated, and slow", nil
		}
	}
	err = probeKVM(ctx)
	switch {
	case ctx.Err() != nil:
		return "", "", context.Cause(ctx)
	case err == nil:
		return driverKVM, "KVM works here", nil
	case s.Mode == session.SystemLibvirt && (errors.Is(err, os.ErrPermission) || errors.Is(err, exec.ErrNotFound)):
		return driverKVM, "this system's libvirt has KVM", nil
	}
	return driverQEMU, "guests are emulated, and slow: " + err.Error(), nil
}

// probeKVM returns nil if QEMU can set up a processor with KVM, and why not
// otherwise. The processor is this machine's model, as libvirt gives guests.
func probeKVM(ctx context.Context) error {
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("no use of KVM: %w", err)
	}
	f.Close()
	ctx, cancel := context.WithTimeoutCause(ctx, probeLimit, fmt.Errorf("it does not start within %v", probeLimit))
	defer cancel()
	_, err = run.Command{
		Name: "qemu-system-x86_64", Stdin: strings.NewReader("quit\n"),
		Args: []string{"-accel", "kvm", "-cpu", "host", "-m", "16", "-nodefaults", "-display", "none", "-S", "-monitor", "stdio"},
	}.Run(ctx)
	if err != nil {
		return fmt.Errorf("no use of KVM: QEMU with it fails: %w", err)
	}
	return nil
}

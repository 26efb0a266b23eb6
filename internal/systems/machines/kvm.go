package machines

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Drivers of QEMU, as libvirt calls them.
const (
	driverKVM  = "kvm"
	driverQEMU = "qemu" // emulation
)

// probeLimit bounds the probe; it takes a third of a second where it works.
const probeLimit = 20 * time.Second

// exitCode is what the probe's guest says to QEMU's exit device, which makes
// an exit status of it.
const (
	exitCode   = 0x10
	exitStatus = exitCode<<1 | 1
)

// bootSector is a guest that ends at once: mov al, exitCode; out 0xf4, al.
func bootSector() []byte {
	sector := make([]byte, 512)
	copy(sector, []byte{0xb0, exitCode, 0xe6, 0xf4, 0xf4})
	sector[510], sector[511] = 0x55, 0xaa
	return sector
}

// probeKVM returns nil if KVM runs a guest, and why not otherwise. That a
// device /dev/kvm exists says little: in a virtual machine it may be of no
// use, or there may be a KVM that is slower than emulation.
func probeKVM(ctx context.Context, dir string) error {
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("no use of KVM: %w", err)
	}
	f.Close()
	image := filepath.Join(dir, "probe.img")
	if err := os.WriteFile(image, bootSector(), 0o600); err != nil {
		return err
	}
	defer os.Remove(image)
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	emulated, err := probe(ctx, image, "tcg", "qemu64")
	if err != nil {
		return err
	}
	// libvirt gives guests a model of this processor.
	native, err := probe(ctx, image, "kvm", "host")
	if err != nil {
		return err
	}
	return worthwhile(native, emulated)
}

// worthwhile compares the times of the probe. Both are mostly QEMU's own
// start; KVM need not be faster for so short a guest, but a KVM that is far
// slower is no help.
func worthwhile(native, emulated time.Duration) error {
	if native > 3*emulated+500*time.Millisecond {
		return fmt.Errorf("KVM takes %.1f s for what emulation does in %.1f s", native.Seconds(), emulated.Seconds())
	}
	return nil
}

// probe runs the boot sector and returns how long that took.
func probe(ctx context.Context, image, accelerator, model string) (time.Duration, error) {
	start := time.Now()
	err := exec.CommandContext(ctx, "qemu-system-x86_64", "-accel", accelerator, "-cpu", model, "-nodefaults", "-display", "none",
		"-m", "16", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=1",
		"-drive", "file="+image+",format=raw,if=ide").Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return 0, fmt.Errorf("QEMU with %s ran no guest within %v", accelerator, probeLimit)
	case errors.As(err, &exit) && exit.ExitCode() == exitStatus:
		return time.Since(start), nil
	case err == nil:
		return 0, fmt.Errorf("QEMU with %s ended before the probe's guest said anything", accelerator)
	}
	return 0, fmt.Errorf("QEMU with %s runs no guest: %w", accelerator, err)
}

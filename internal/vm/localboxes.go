package vm

import (
	"context"
	"fmt"
	"os"

	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/versions"
)

// localBoxes gives the boxes that Boxes makes to the machines whose box
// nobody has chosen: a stand-in where it has been made, and the box of
// debian12, which it makes now if need be. The caller holds the lock.
func localBoxes(ctx context.Context, o Options, m mode, machines []*Machine) error {
	for _, machine := range machines {
		spec := specFor(machine.Name)
		if machine.chosen || spec == nil {
			continue
		}
		path := boxPath(cacheDir(o.Root), *spec)
		if spec.standsIn == "" {
			if err := needOwnBox(ctx, o, m, machine, *spec); err != nil {
				return err
			}
			machine.File, machine.Version = path, ""
			continue
		}
		if m == virtualBox || os.Getenv("AVIR_VM_BOXES") == "real" || !exists(path) {
			continue
		}
		machine.File, machine.Version = path, ""
		machine.StandIn = spec.what()
		machine.KernelFloor = versions.KernelFloor // its own kernel is newer
		run.Printf("%s: the box of mage vm:box, %s, stands in for %s; AVIR_VM_BOXES=real takes the real one",
			machine.Name, spec.what(), machine.System)
	}
	return nil
}

// needOwnBox makes the box that only Boxes makes, if it is not there.
func needOwnBox(ctx context.Context, o Options, m mode, machine *Machine, spec boxSpec) error {
	switch {
	case m == virtualBox:
		return fmt.Errorf("machine %s has no box for VirtualBox: set %s to one with %s, or name the other machines",
			machine.Name, boxVariable(machine.Name), machine.System)
	case exists(boxPath(cacheDir(o.Root), spec)):
		return nil
	case os.Geteuid() != 0:
		return fmt.Errorf("machine %s: its box is not made yet: run mage vm:box as root once, or set %s to a box with %s",
			machine.Name, boxVariable(machine.Name), machine.System)
	}
	return makeBoxes(ctx, o, []boxSpec{spec})
}

// specFor returns the box that is made for a machine, nil if there is none.
func specFor(machine string) *boxSpec {
	for i := range boxSpecs {
		if boxSpecs[i].machine() == machine {
			return &boxSpecs[i]
		}
	}
	return nil
}

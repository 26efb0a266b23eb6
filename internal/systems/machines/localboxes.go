package machines

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/versions"
)

// localBoxes gives the boxes that Boxes makes to the machines whose box
// nobody has chosen: a stand-in where it has been made, and the box of
// debian12, which it makes now if need be. It returns the machines that can
// run: one that nobody has named is left out if its box can't be had, which
// the notes say. The caller holds the lock.
func localBoxes(ctx context.Context, o Options, m mode, machines []*Machine) (some []*Machine, notes []string, err error) {
	for _, machine := range machines {
		spec := specFor(machine.Name)
		if machine.chosen || spec == nil {
			some = append(some, machine)
			continue
		}
		path := boxPath(cacheDir(o.Root), *spec)
		if spec.standsIn == "" {
			err := needOwnBox(ctx, o, m, machine, *spec)
			if errors.As(err, new(noBoxError)) && len(o.Machines) == 0 {
				note := "NOT TESTED: " + err.Error()
				run.Printf("%s", note)
				notes = append(notes, note)
				continue
			}
			if err != nil {
				return nil, nil, err
			}
			machine.File, machine.Version = path, ""
		} else if m != virtualBox && os.Getenv("AVIR_VM_BOXES") != "real" && exists(path) {
			machine.standIn(cacheDir(o.Root), *spec)
			run.Printf("%s: the box of mage vm:box, %s, stands in for %s; AVIR_VM_BOXES=real takes the real one",
				machine.Name, spec.what(), machine.System)
		}
		some = append(some, machine)
	}
	return some, notes, nil
}

// noBoxError says what to do about a box that can't be made here.
type noBoxError string

func (e noBoxError) Error() string { return string(e) }

// standIn gives a machine a box that stands in for its own.
func (m *Machine) standIn(cache string, s boxSpec) {
	m.File, m.Version = boxPath(cache, s), ""
	m.StandIn = s.what()
	m.KernelFloor = versions.KernelFloor // its own kernel is newer
}

// needOwnBox makes the box that only Boxes makes, if it is not there.
func needOwnBox(ctx context.Context, o Options, m mode, machine *Machine, spec boxSpec) error {
	switch {
	case m == virtualBox:
		return noBoxError(fmt.Sprintf("machine %s has no box for VirtualBox: set %s to one with %s",
			machine.Name, boxVariable(machine.Name), machine.System))
	case exists(boxPath(cacheDir(o.Root), spec)):
		return nil
	case os.Geteuid() != 0:
		return noBoxError(fmt.Sprintf("machine %s: its box is not made yet: run mage vm:box as root once, or set %s to a box with %s",
			machine.Name, boxVariable(machine.Name), machine.System))
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

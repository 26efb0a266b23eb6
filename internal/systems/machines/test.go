package machines

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/avirkit/avirkit/internal/run"
)

// testSpace is what a run takes on disk for each machine, in bytes: the
// unpacked box, its copy in the pool, and what the guest writes.
const testSpace = 3 << 29

// Test runs the harness in the machines, from the packages, and prints a
// table. Results and logs go to dist/vm. Whatever happens, nothing of the
// machines stays, unless o.Keep says so.
func Test(ctx context.Context, o Options) error {
	ctx, stop := watchCallers(ctx)
	defer stop()
	all, err := loadMachines(filepath.Join(o.Root, "vagrant"), os.Getenv)
	if err != nil {
		return err
	}
	machines, err := pick(all, o.Machines)
	if err != nil {
		return err
	}
	cache := cacheDir(o.Root)
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return fmt.Errorf("make the cache of the machines: %w", err)
	}
	unlock, err := lock(cache)
	if err != nil {
		return err
	}
	defer unlock()
	if err := forget(o.Root, machines); err != nil {
		return err
	}
	memory, err := availableMemory()
	if err != nil {
		return fmt.Errorf("ask for the free memory: %w", err)
	}
	slots, err := parallel(machines, memory, runtime.NumCPU())
	if err != nil {
		return err
	}
	m, why, err := look(ctx).choose()
	if err != nil {
		return err
	}
	run.Printf("machines run with: %s; %d at a time", why, slots)
	if err := needTools(ctx, m); err != nil {
		return err
	}
	if err := sweep(ctx, cache); err != nil {
		return err
	}
	home, err := homeOf(cache, m)
	if err != nil {
		return err
	}
	for _, dir := range spaceFolders(m, cache, home) {
		if err := needSpace(dir, testSpace*uint64(len(machines))); err != nil {
			return err
		}
	}
	machines, notes, err := localBoxes(ctx, o, m, machines)
	if err != nil {
		return err
	}
	if m == ownLibvirt {
		if err := fetchBoxes(ctx, o, home, machines); err != nil {
			return err
		}
	}
	s, err := begin(ctx, cache, m, home)
	if err != nil {
		return err
	}
	t := &testRun{options: o, vagrant: &vagrant{session: s, dir: filepath.Join(o.Root, "vagrant")}, notes: notes}
	err = t.run(ctx, machines, slots)
	keep := o.Keep && ctx.Err() == nil
	if ending := s.end(keep); ending != nil {
		return errors.Join(err, ending)
	}
	if keep {
		t.tellKept(machines)
	}
	return err
}

// testRun is one run of Test in its session.
type testRun struct {
	options Options
	*vagrant
	kit    kit
	socket string // of this machine's clamd; empty if there is none
	notes  []string
}

func (t *testRun) run(ctx context.Context, machines []*Machine, slots int) error {
	var why string
	var err error
	if t.driver, why, err = pickDriver(ctx, t.session); err != nil {
		return err
	}
	if t.driver != "" {
		run.Printf("driver %s: %s", t.driver, why)
	}
	if t.timeout, err = bootTimeout(t.driver); err != nil {
		return err
	}
	// A provider that doesn't work says so before the building.
	network, err := t.prepare(ctx)
	if err != nil {
		return err
	}
	if t.kit, err = makeKit(ctx, t.options.Root, t.dirOf("kit")); err != nil {
		return err
	}
	stopClamd, err := t.startClamd()
	if err != nil {
		return err
	}
	defer stopClamd()
	t.env = vagrantEnv(t.session, t.vagrant.dir, t.driver, network, machines, t.timeout)
	for _, m := range machines {
		if t.mode == ownLibvirt {
			m.Console = t.path(m.Name + ".console")
		}
	}
	if t.mode != virtualBox {
		if err := t.bootFiles(machines); err != nil {
			return err
		}
	}
	if err := writeSettings(t.path("machines.yml"), machines); err != nil {
		return err
	}
	if !t.options.Full {
		t.notes = append(t.notes, "short run: the waiting test waits 5 s, the hostile test has few repetitions; AVIR_VM_FULL=1 for all")
	}
	rows := make([]row, len(machines))
	free := make(chan struct{}, slots)
	var each []func(context.Context) error
	for i, m := range machines {
		each = append(each, func(ctx context.Context) error {
			// A machine that fails does not end the others.
			select {
			case free <- struct{}{}:
				defer func() { <-free }()
				rows[i] = t.machine(ctx, m)
			case <-ctx.Done():
				rows[i] = row{machine: m, err: context.Cause(ctx)}
			}
			return nil
		})
	}
	_ = run.Parallel(ctx, each...)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var table strings.Builder
	if err := writeTable(&table, rows, t.driver, t.notes); err != nil {
		return err
	}
	run.Printf("\n%s", table.String())
	if err := os.WriteFile(filepath.Join(t.results(""), "table.txt"), []byte(table.String()), 0o644); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return failures(rows)
}

// prepare makes ready what the machines need of their provider, and returns
// libvirt's network.
func (t *testRun) prepare(ctx context.Context) (network string, err error) {
	if t.mode == virtualBox {
		_, err := t.session.command("VBoxManage", "setproperty", "machinefolder", t.path("vms")).Run(ctx)
		return "", err
	}
	err = run.Step(ctx, "network and storage pool "+t.name, nil, func(ctx context.Context) (string, error) {
		network, err = t.prepareLibvirt(ctx)
		return network, err
	})
	return network, err
}

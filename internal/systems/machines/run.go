// Package machines runs the harness in virtual machines with the systems that
// the plugins are made for, from the packages that users install.
//
// Vagrant runs the machines of vagrant/, with VirtualBox or libvirt. Root gets
// a libvirt for the time of one run, in namespaces of its own. Whatever happens,
// nothing of the machines stays: see package session.
package machines

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/systems/session"
	"github.com/avirkit/avirkit/internal/systems/settings"
	"github.com/avirkit/avirkit/plugins/clam/realclamd"
)

// Options say what to run.
type Options struct {
	Root     string         // the checkout
	Boxes    settings.Boxes // what mage vm:box makes
	Machines []string       // names of vagrant/machines.yml; empty for all that have a box
	Keep     bool           // leave the machines running
	Real     bool           // take no stand-in for a box of Vagrant's catalogue
	Full     bool           // full-length waiting test and all repetitions of the hostile one
}

// Test runs the harness in the machines, from the packages, and prints a
// table. Results and logs go to dist/vm.
func Test(ctx context.Context, o Options) error {
	all, err := settings.Load(filepath.Join(o.Root, "vagrant"), os.Getenv)
	if err != nil {
		return err
	}
	chosen, err := settings.Pick(all, o.Machines)
	if err != nil {
		return err
	}
	if err := session.Alone(ctx, settings.Cache(o.Root)); err != nil {
		return err
	}
	if err := forget(o.Root, chosen); err != nil {
		return err
	}
	p, why, err := look(ctx).choose()
	if err != nil {
		return err
	}
	run.Printf("machines run with: %s", why)
	if err := needTools(ctx, p); err != nil {
		return err
	}
	home, err := homeOf(settings.Cache(o.Root), p)
	if err != nil {
		return err
	}
	c := chooser{Options: o, provider: p, home: home}
	if chosen, err = c.choose(ctx, chosen); err != nil {
		return err
	}
	so := session.Options{Cache: settings.Cache(o.Root), Mode: p, Home: home}
	if p == session.OwnLibvirt {
		so.Files = libvirtFiles
	}
	s, err := session.Begin(ctx, so)
	if err != nil {
		return err
	}
	t := &testRun{Options: o, vagrant: vagrant{Session: s, home: home, dir: filepath.Join(o.Root, "vagrant")}, notes: c.notes}
	err = t.run(ctx, chosen)
	if o.Keep && ctx.Err() == nil {
		t.tellKept(chosen)
		return errors.Join(err, s.Keep())
	}
	return errors.Join(err, s.End())
}

// testRun is one run of Test in its session.
type testRun struct {
	Options
	vagrant
	kit    kit
	socket string // of this machine's clamd; empty if there is none
	notes  notes
}

func (t *testRun) run(ctx context.Context, machines []*settings.Machine) error {
	if err := t.prepare(ctx, machines); err != nil {
		return err
	}
	var err error
	if t.kit, err = makeKit(ctx, t.Root, t.Session); err != nil {
		return err
	}
	t.startClamd()
	if !t.Full {
		t.notes = append(t.notes, "short run: the waiting test waits 5 s, the hostile test has few repetitions; AVIR_FULL=1 for all")
	}
	rows := make([]row, len(machines))
	var group errgroup.Group
	group.SetLimit(run.AtOnce(largest(machines)))
	for i, m := range machines {
		// A machine that fails does not end the others.
		group.Go(func() error {
			rows[i] = row{machine: m, err: context.Cause(ctx)}
			if ctx.Err() == nil {
				rows[i] = t.machine(ctx, m)
			}
			return nil
		})
	}
	_ = group.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var table strings.Builder
	if err := writeTable(&table, rows, t.driver, t.notes); err != nil {
		return err
	}
	run.Printf("\n%s", table.String())
	if err := atomicdir.WriteFile(tablePath(t.Root), []byte(table.String()), 0o644); err != nil {
		return err
	}
	return failures(rows)
}

// largest is the memory, in bytes, of the machine that takes most. QEMU takes a
// quarter of a gigabyte beside a guest's own memory.
func largest(machines []*settings.Machine) uint64 {
	most := 1
	for _, m := range machines {
		most = max(most, m.Memory+256)
	}
	return uint64(most) << 20
}

// results is where a machine's reports and logs go.
func results(root, machine string) string { return filepath.Join(root, "dist", "vm", machine) }

func tablePath(root string) string { return results(root, "table.txt") }

// forget removes what an earlier run has left of the machines' results: a run
// that ends early must not seem to have passed.
func forget(root string, machines []*settings.Machine) error {
	err := os.RemoveAll(tablePath(root))
	for _, m := range machines {
		err = errors.Join(err, os.RemoveAll(results(root, m.Name)))
	}
	return err
}

// machine tests on one machine from its start to its end.
func (t *testRun) machine(ctx context.Context, m *settings.Machine) row {
	r := row{machine: m}
	start := time.Now()
	dir := results(t.Root, m.Name)
	if r.err = os.MkdirAll(dir, 0o755); r.err != nil {
		return r
	}
	boot := step{name: "boot"}
	c := &check{}
	if r.err = t.up(ctx, m, dir); r.err == nil {
		boot.seconds = int(time.Since(start).Seconds())
		r.err = c.inside(ctx, t, m, dir)
	} else {
		boot.failed, boot.output = true, r.err.Error()
	}
	if !t.Keep && ctx.Err() == nil {
		r.err = errors.Join(r.err, t.destroy(ctx, m))
	}
	if data, err := os.ReadFile(m.Console); err == nil {
		_ = atomicdir.WriteFile(filepath.Join(dir, "console.log"), data, 0o644)
	}
	r.facts = c.facts
	var err error
	r.count, err = writeJUnit(dir, m.Name, append([]step{boot}, c.steps...), r.properties(t.driver))
	if r.err = errors.Join(r.err, err); r.err == nil && r.count.failed > 0 {
		r.err = fmt.Errorf("%d tests failed", r.count.failed)
	}
	r.took = time.Since(start)
	return r
}

// startClamd starts this machine's own clamd, if it has one, for the guests to
// reach through their tunnels. If clamd does not start, a note says so. It ends
// with the session.
func (t *testRun) startClamd() {
	c, err := realclamd.New(t.Short, nil)
	if err != nil {
		t.notes.say("NOT TESTED with a real clamd: %v", err)
		return
	}
	t.socket = c.Socket
}

// notes are remarks that are printed once, and again below the table.
type notes []string

func (n *notes) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	run.Printf("%s", text)
	*n = append(*n, text)
}

func (t *testRun) tellKept(machines []*settings.Machine) {
	run.Printf("The machines stay up. End them by: rm %s (the next run does it, too).", t.KeptFile())
	for _, m := range machines {
		c := t.command("ssh", m.Name)
		run.Printf("  %s: %s", m.Name, c.String())
	}
}

package vm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/plugins/clam/clamdtest"
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
	cache := cacheDir(o.Root)
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return fmt.Errorf("make the cache of the machines: %w", err)
	}
	unlock, err := lock(cache)
	if err != nil {
		return err
	}
	defer unlock()
	if err := sweep(ctx, cache); err != nil {
		return err
	}
	if err := needSpace(cache, testSpace*uint64(len(machines))); err != nil {
		return err
	}
	if err := localBoxes(ctx, o, m, machines); err != nil {
		return err
	}

	home := homeOf(cache, m)
	s, err := begin(ctx, cache, m, home)
	if err != nil {
		return err
	}
	t := &testRun{options: o, vagrant: &vagrant{session: s, dir: filepath.Join(o.Root, "vagrant")}, home: home}
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
	home   string
	kit    kit
	socket string // of this machine's clamd; empty if there is none
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
	if t.kit, err = makeKit(ctx, t.options.Root, t.dirOf("kit")); err != nil {
		return err
	}
	stopClamd, err := t.startClamd()
	if err != nil {
		return err
	}
	defer stopClamd()
	network := ""
	if t.mode != virtualBox {
		err := run.Step(ctx, "network and storage pool "+t.name, nil, func(ctx context.Context) (string, error) {
			network, err = t.prepareLibvirt(ctx)
			return network, err
		})
		if err != nil {
			return err
		}
	}
	t.env = vagrantEnv(t.session, t.vagrant.dir, t.driver, network, t.home, t.timeout)
	for _, m := range machines {
		if t.mode == ownLibvirt {
			m.Console = t.path(m.Name + ".console")
		}
	}
	if err := writeSettings(t.path("machines.yml"), machines); err != nil {
		return err
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
	if err := writeTable(&table, rows, t.driver); err != nil {
		return err
	}
	run.Printf("\n%s", table.String())
	if err := os.WriteFile(filepath.Join(t.results(""), "table.txt"), []byte(table.String()), 0o644); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return failures(rows)
}

// results is where a machine's reports and logs go.
func (t *testRun) results(machine string) string {
	return filepath.Join(t.options.Root, "dist", "vm", machine)
}

// machine tests on one machine from its start to its end.
func (t *testRun) machine(ctx context.Context, m *Machine) row {
	r := row{machine: m}
	start := time.Now()
	dir := t.results(m.Name)
	if r.err = errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); r.err != nil {
		return r
	}
	log, err := os.Create(filepath.Join(dir, "vagrant.log"))
	if err != nil {
		r.err = err
		return r
	}
	defer log.Close()
	result := &outcome{machine: m.Name}
	boot := step{name: "boot"}
	if r.err = t.up(ctx, m, log); r.err == nil {
		boot.seconds = int(time.Since(start).Seconds())
		result, r.err = t.inside(ctx, m, dir)
	} else {
		boot.failed, boot.output = true, r.err.Error()
	}
	if !t.options.Keep && ctx.Err() == nil {
		r.err = errors.Join(r.err, t.destroy(ctx, m))
	}
	if m.Console != "" {
		_ = copyFile(m.Console, filepath.Join(dir, "console.log"))
	}
	r.facts = result.facts
	r.count, err = writeJUnit(dir, m.Name, append([]step{boot}, result.steps...))
	if r.err = errors.Join(r.err, err); r.err == nil && r.count.failed > 0 {
		r.err = fmt.Errorf("%d tests failed", r.count.failed)
	}
	r.took = time.Since(start)
	return r
}

// inside runs the tests in a machine that is up, and collects what they wrote.
func (t *testRun) inside(ctx context.Context, m *Machine, dir string) (*outcome, error) {
	h, err := t.sshHost(ctx, m)
	if err != nil {
		return &outcome{}, err
	}
	log, err := os.Create(filepath.Join(dir, "output.log"))
	if err != nil {
		return &outcome{}, err
	}
	defer log.Close()
	result, err := t.check(ctx, m, h, t.kit, t.options, t.socket, log)
	if result == nil {
		return &outcome{}, err
	}
	if len(result.steps) > 0 && ctx.Err() == nil {
		err = errors.Join(err, t.fetch(ctx, m, h, dir))
	}
	return result, err
}

// startClamd starts this machine's own clamd, if it has one, for the guests
// to reach through their tunnel. Where it has none, that is said.
func (t *testRun) startClamd() (stop func(), err error) {
	// A unix socket's path must be short, so not in the checkout.
	dir := filepath.Join("/tmp", t.name+"-clamd")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make clamd's folder: %w", err)
	}
	c, err := clamdtest.New(dir, nil)
	if errors.Is(err, clamdtest.ErrNotInstalled) {
		run.Printf("NOT TESTED with a real clamd: %v", err)
		return func() {}, os.Remove(dir)
	}
	if err != nil {
		return nil, err
	}
	t.socket = c.Socket
	return func() {
		_ = c.Kill()
		_ = os.RemoveAll(dir)
	}, nil
}

func (t *testRun) tellKept(machines []*Machine) {
	run.Printf("KEEP=1: the machines stay up. End them by: rm %s (the next run does it too).", t.path("kept"))
	for _, m := range machines {
		c := t.command("ssh", m.Name)
		run.Printf("  %s: %s", m.Name, c.String())
	}
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

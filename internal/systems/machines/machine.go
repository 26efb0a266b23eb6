package machines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/plugins/clam/realclamd"
)

// results is where a machine's reports and logs go.
func (t *testRun) results(machine string) string {
	return filepath.Join(t.options.Root, "dist", "vm", machine)
}

// forget removes what an earlier run has left of the machines' results: a
// run that ends early must not seem to have passed.
func forget(root string, machines []*Machine) error {
	dir := filepath.Join(root, "dist", "vm")
	err := os.RemoveAll(filepath.Join(dir, "table.txt"))
	for _, m := range machines {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, m.Name)))
	}
	return err
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
	r.count, err = writeJUnit(dir, m.Name, result.allSteps(boot, r.err), r.properties(t.driver))
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
// to reach through their tunnel. Where it has none that works, that is said.
func (t *testRun) startClamd() (stop func(), err error) {
	// A unix socket's path must be short, so not in the checkout.
	dir := filepath.Join("/tmp", t.name+"-clamd")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make clamd's folder: %w", err)
	}
	c, err := realclamd.New(dir, nil)
	if err != nil {
		t.note("NOT TESTED with a real clamd: %v", err)
		return func() {}, os.RemoveAll(dir)
	}
	t.socket = c.Socket
	return func() {
		_ = c.Kill()
		_ = os.RemoveAll(dir)
	}, nil
}

// note says something that belongs under the table too.
func (t *testRun) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	run.Printf("%s", text)
	t.notes = append(t.notes, text)
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

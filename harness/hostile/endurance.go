package hostile

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/avirkit/avirkit/harness/host"
)

var enduranceChecks = []Check{
	{"reload", "loaded, initialised, scanned, closed and unloaded 26 times or more in one process",
		"each time as the first, and nothing grows", "make plugin_init start from nothing, and free in plugin_close all that it made", checkReload},
	{"two-plugins", "loaded the plugin and a copy of it into one process, both with RTLD_GLOBAL",
		"both scan", "export get_plugin_extended_iface alone (a linker version script)", checkTwoPlugins},
	{"leak", "scanned up to 100,000 times on 8 threads, as often as the antivirus can in a minute",
		"memory, threads and descriptors do not grow", "close and free on every way out of a scan, the failing ones above all", checkLeak},
}

func checkReload(ctx context.Context, e *env) (string, error) {
	const settled, perRound = 6, 10
	h, err := e.Open(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	done := 0
	reload := func(times int) error {
		for range times {
			done++
			if err := e.reloadOnce(h); err != nil {
				return fmt.Errorf("round %d: %w", done, err)
			}
		}
		return nil
	}
	if err := reload(settled); err != nil {
		return "", err
	}
	saw, err := e.steady(h, 1400, fmt.Sprintf("%d reloads", perRound), func() error { return reload(perRound) })
	return fmt.Sprintf("%d rounds, %s", done, saw), err
}

// reloadOnce loads, initialises, scans with, closes and unloads the plugin.
func (e *env) reloadOnce(h *host.Host) error {
	if _, err := e.Begin(h); err != nil {
		return err
	}
	if err := e.StartWorkers(h, 2, 0); err != nil {
		return err
	}
	if err := e.eicarFound(h); err != nil {
		return err
	}
	return e.Stop(h)
}

// roomToGrow is the address space, in KiB, that a heap may take at a time: glibc
// reserves 64 MB or 128 MB for each of its arenas, a 64-bit Go as much for its own.
const roomToGrow = 150 << 10

// growth judges what grew between two states, over so many rounds of work; rss
// is in KiB and for one round.
func growth(before, after host.Facts, rss, rounds int, over string) (p problems) {
	if rounds > 1 {
		over = fmt.Sprintf("%d times %s", rounds, over)
	}
	grew := func(key string, allowed int) (int, bool) {
		n := after.Int(key) - before.Int(key)
		return n, n > allowed*rounds
	}
	if n, much := grew("VmRSS", rss); much {
		p.add("resident memory grew by %d KiB over %s", n, over)
	}
	if n, much := grew("VmSize", roomToGrow); much {
		p.add("the address space grew by %d KiB over %s", n, over)
	}
	// A runtime may add some threads at any time, a leak adds many.
	if n, much := grew("Threads", 8); much {
		p.add("%d more threads after %s", n, over)
	}
	if n, much := grew("descriptors", 4); much {
		p.add("%d more descriptors after %s", n, over)
	}
	return p
}

// steady does some work twice, and up to six times if the process has grown. It
// fails when the process has grown over all rounds and also over the later half of
// them: a heap takes its time to find its size, and a collector's heap goes up and
// down, but what leaks is never given back.
func (e *env) steady(h *host.Host, rss int, over string, work func() error) (string, error) {
	start, err := e.state(h)
	if err != nil {
		return "", err
	}
	states := []host.Facts{start}
	var grown []string
	var p problems
	for round := 1; round <= 2 || round <= 6 && len(p) > 0; round++ {
		if err := work(); err != nil {
			return "", e.because(h, start, err)
		}
		now, err := e.state(h)
		if err != nil {
			return "", err
		}
		grown = append(grown, fmt.Sprintf("%d KiB", now.Int("VmRSS")-states[round-1].Int("VmRSS")))
		states = append(states, now)
		p = growth(start, now, rss, round, over)
		if half := round / 2; len(growth(states[half], now, rss, round-half, over)) == 0 {
			p = nil
		}
	}
	return fmt.Sprintf("%s more after %s each", strings.Join(grown, " and "), over), p.err()
}

// because adds to a failure what has grown until then: a process that has used
// up its descriptors or its memory fails in many ways.
func (e *env) because(h *host.Host, before host.Facts, err error) error {
	after, gone := e.state(h)
	if gone != nil {
		return err
	}
	const over = "the scans until then"
	p := growth(before, after, 10<<10, 1, over)
	if after.Int("descriptors") == 0 { // it takes one to look
		p.add("all are in use: many more descriptors after %s", over)
	}
	p.add("%v", err)
	return p.err()
}

func checkTwoPlugins(ctx context.Context, e *env) (string, error) {
	other := filepath.Join(e.dir, filepath.Base(e.Plugin)) // another file: dlopen knows files
	if err := copyFile(other, e.Plugin); err != nil {
		return "", err
	}
	if noExec(e.dir) {
		return "", notApplicable(fmt.Sprintf("%s is mounted noexec, and a copy of the plugin there can't be loaded: choose another TMPDIR", e.dir))
	}
	h, err := e.Open(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	each := func(do func() error) error {
		for slot := range 2 {
			if _, err := h.Call(e.Limit, "choosing a plugin", "slot", strconv.Itoa(slot)); err != nil {
				return err
			}
			if err := do(); err != nil {
				return fmt.Errorf("plugin %d of 2: %w", slot+1, err)
			}
		}
		return nil
	}
	files := []string{e.Plugin, other}
	err = each(func() error {
		_, err := h.Call(e.Limit, "loading "+files[0], "load", files[0], "global")
		files = files[1:]
		return err
	})
	steps := []func() error{
		func() error {
			if _, err := e.Set(h); err != nil {
				return err
			}
			_, err := e.Init(h)
			return err
		},
		func() error { return e.StartWorkers(h, 2, 0) },
		func() error { return e.eicarFound(h) },
		func() error { return e.eicarFound(h) },
		func() error { return e.Stop(h) },
	}
	for _, step := range steps {
		if err == nil {
			err = each(step)
		}
	}
	if err == nil {
		err = h.Hangup(e.Limit)
	}
	return "both scan and close", err
}

// noExec tells whether nothing may be executed from a folder, libraries included.
func noExec(dir string) bool {
	const flag = 8 // ST_NOEXEC
	var s syscall.Statfs_t
	return syscall.Statfs(dir, &s) == nil && s.Flags&flag != 0
}

func copyFile(to, from string) error {
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
	if closed := out.Close(); err == nil {
		err = closed
	}
	return err
}

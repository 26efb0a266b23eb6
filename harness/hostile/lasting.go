package hostile

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/samples"
)

var lastingChecks = []Check{
	{"reload", "loaded, initialised, scanned, closed and unloaded 20 times in one process",
		"each time as the first, and nothing grows", "make plugin_init start from nothing, and free in plugin_close all that it made", checkReload},
	{"two-plugins", "loaded the plugin and a copy of it into one process, both with RTLD_GLOBAL",
		"both scan", "export get_plugin_extended_iface alone (a linker version script)", checkTwoPlugins},
	{"leak", "scanned 100,000 times on 8 threads",
		"memory, threads and descriptors do not grow", "close and free on every way out of a scan, the failing ones above all", checkLeak},
}

func checkReload(ctx context.Context, e *env) (string, error) {
	const rounds, settled = 20, 5
	h, err := e.Open(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	var before host.Facts
	for i := range rounds {
		if _, err := e.Begin(h); err != nil {
			return "", fmt.Errorf("round %d: %w", i+1, err)
		}
		if err := e.StartWorkers(h, 2, 0); err != nil {
			return "", err
		}
		if err := e.eicarFound(h); err != nil {
			return "", fmt.Errorf("round %d: %w", i+1, err)
		}
		if err := e.Stop(h); err != nil {
			return "", fmt.Errorf("round %d: %w", i+1, err)
		}
		if i == settled {
			if before, err = e.state(h); err != nil {
				return "", err
			}
		}
	}
	after, err := e.state(h)
	if err != nil {
		return "", err
	}
	p := growth(before, after, 2048, fmt.Sprintf("%d reloads", rounds-settled))
	return fmt.Sprintf("%d rounds", rounds), p.err()
}

// growth judges what grew between two states; rss is in KiB.
func growth(before, after host.Facts, rss int, over string) (p problems) {
	if n := after.Int("VmRSS") - before.Int("VmRSS"); n > rss {
		p.add("resident memory grew by %d KiB over %s", n, over)
	}
	// A runtime may add some threads at any time, a leak adds many.
	if n := after.Int("Threads") - before.Int("Threads"); n > 8 {
		p.add("%d more threads after %s", n, over)
	}
	if n := after.Int("descriptors") - before.Int("descriptors"); n > 4 {
		p.add("%d more descriptors after %s", n, over)
	}
	return p
}

// steady does some work twice and fails when the process grew both times: a
// heap may take its time to find its size, a leak goes on.
func (e *env) steady(h *host.Host, rss int, over string, work func() error) (string, error) {
	before, err := e.state(h)
	if err != nil {
		return "", err
	}
	var p problems
	var grown []string
	for i := range 2 {
		if err := work(); err != nil {
			return "", e.because(h, before, err)
		}
		after, err := e.state(h)
		if err != nil {
			return "", err
		}
		now := growth(before, after, rss, over)
		if i == 0 || len(p) > 0 {
			p = now
		}
		grown = append(grown, fmt.Sprintf("%d KiB", after.Int("VmRSS")-before.Int("VmRSS")))
		before = after
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
	p := growth(before, after, 100<<10, "the scans until then")
	p.add("%v", err)
	return p.err()
}

func checkTwoPlugins(ctx context.Context, e *env) (string, error) {
	other := filepath.Join(e.dir, filepath.Base(e.Plugin)) // another file: dlopen knows files
	if err := copyFile(other, e.Plugin); err != nil {
		return "", err
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

func checkLeak(ctx context.Context, e *env) (string, error) {
	const (
		threads = 8
		grown   = 1024 // KiB; 50,000 leaks of 21 bytes
	)
	h, err := e.Ready(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	scan := func(count int, names ...string) error {
		args := []string{strconv.Itoa(threads), strconv.Itoa(count)}
		for _, name := range names {
			args = append(args, e.Path(name))
		}
		// A slow antivirus may need a tenth of a second for a scan of a real file.
		limit := e.Limit + time.Duration(count)*10*time.Millisecond
		facts, err := h.Call(limit, strconv.Itoa(count)+" scans", "loop", args...)
		if err == nil && facts.Int("no-context") > 0 {
			err = fmt.Errorf("plugin_thread_init failed on %d of %d threads", facts.Int("no-context"), threads)
		}
		return err
	}
	// Most go the way that needs no antivirus, so that the number can be large.
	real, quick := e.times(2000, 500), e.times(48_000, 14_500)
	work := func() error {
		if err := scan(quick, samples.Empty, samples.Missing); err != nil {
			return err
		}
		return scan(real, samples.Eicar, samples.Clean)
	}
	begin, err := e.state(h)
	if err != nil {
		return "", err
	}
	// A heap finds its size; an early failure is explained by what grew.
	for _, warm := range []func() error{
		func() error { return scan(real, samples.Eicar, samples.Clean) },
		func() error { return scan(quick/4, samples.Empty, samples.Missing) },
	} {
		if err := warm(); err != nil {
			return "", e.because(h, begin, err)
		}
	}
	return e.steady(h, grown, fmt.Sprintf("%d scans", real+quick), work)
}

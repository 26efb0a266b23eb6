package hostile

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/samples"
)

var logChecks = []Check{
	{"log-format", "scanned missing and infected files whose names hold %n%s, control characters, line breaks and 3 KB of text, and looked at every log line",
		"a constant format; short lines of printable ASCII", "log through a constant format such as \"%s\", cut the text, and replace what is not printable ASCII", checkLogFormat},
	{"log-reentrant", "called the plugin back from its own log callback",
		"no deadlock", "hold no lock while you call the log callback", checkLogReentrant},
}

// hostLine is where the real host cuts a line, without its NUL.
const hostLine = 1023

func checkLogFormat(ctx context.Context, e *env) (string, error) {
	const marker = "avir-marker"
	h, err := e.Open(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	if _, err := h.Call(e.Limit, "preparing the log callback", "marker", marker); err != nil {
		return "", err
	}
	if _, err := e.Begin(h); err != nil {
		return "", err
	}
	if err := e.StartWorkers(h, 2, 0); err != nil {
		return "", err
	}
	data, err := os.ReadFile(e.Path(samples.Eicar))
	if err != nil {
		return "", err
	}
	for _, name := range []string{
		marker + "%n%s%n", marker + "\x1b[2J\x07", marker + "\r\nERR: forged", marker + "\xff\xc3\x28",
	} {
		infected := filepath.Join(e.dir, name, samples.Eicar)
		if err := os.MkdirAll(filepath.Dir(infected), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(infected, data, 0o644); err != nil {
			return "", err
		}
		for _, path := range []string{infected, filepath.Join(e.dir, name, samples.Missing), filepath.Join(e.dir, name, "any name")} {
			if _, err := h.SendScanAs(path, marker+"%n%s", host.ViSize).Wait(e.Limit); err != nil {
				return "", err
			}
		}
	}
	long := e.dir + strings.Repeat("/"+marker+strings.Repeat("x", 180), 16) + "/" + samples.Missing
	if _, err := h.SendScan(long).Wait(e.Limit); err != nil {
		return "", err
	}
	if err := e.Finish(h); err != nil {
		return "", err
	}
	p := badLines(h)
	return fmt.Sprintf("%d lines", len(h.Logs())), p.err()
}

func badLines(h *host.Host) (p problems) {
	for _, d := range h.Dangers() {
		p.add("a dangerous log format: %s", d)
	}
	for _, l := range h.Logs() {
		switch {
		case !printableASCII(l.Text):
			p.add("a log line is not printable ASCII: %q", l.Text[:min(len(l.Text), 120)])
		case len(l.Text) >= hostLine-5: // the prefix is gone already
			p.add("a log line is so long that the host cuts it: %q…", l.Text[:80])
		}
		if len(p) > 5 {
			break
		}
	}
	return p
}

func checkLogReentrant(ctx context.Context, e *env) (string, error) {
	h, err := e.loaded(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	if _, err := h.Call(e.Limit, "preparing the log callback", "reentrant"); err != nil {
		return "", err
	}
	if _, err := e.Set(h); err != nil {
		return "", err
	}
	if _, err := e.Init(h); err != nil {
		return "", err
	}
	if err := e.StartWorkers(h, 2, 0); err != nil {
		return "", err
	}
	for _, name := range []string{samples.Missing, samples.Eicar, samples.Missing} {
		if _, err := h.SendScan(e.Path(name)).Wait(e.prompt()); err != nil {
			return "", err
		}
	}
	if err := e.Finish(h); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d lines, each with calls into the plugin", len(h.Logs())), nil
}

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

var answerChecks = []Check{
	{"verdicts", "scanned every sample and looked at all that came back",
		"a result of the interface, ASCII in vir_info, a name for a virus, no OK for what is not clean",
		"return AVCHK_ codes only; end vir_info with NUL within vi_size; use printable ASCII", checkVerdicts},
	{"vir-info", "scanned EICAR with vi_size from 0 to 4096",
		"the same verdict, the text cut to fit and ended with NUL, no byte outside", "copy at most vi_size - 1 bytes into vir_info, then a NUL; write nothing when vi_size is 0", checkVirInfo},
	{"names", "scanned EICAR under paths of 4095 bytes, with bytes that are not UTF-8, spaces, line breaks and conversions, and with strange real names",
		"VIRUS_FOUND each time; never OK for a path that is too long", "open the file name as the bytes that it is, and bound every copy of it", checkNames},
	{"special-files", "scanned a FIFO, a directory, a socket, links, an unreadable file and a trailing slash",
		"an answer that is not OK, promptly", "open with O_NONBLOCK, then make sure with fstat that it is a regular file; answer FAILED otherwise", checkSpecialFiles},
	{"deadline", "scanned a FIFO whose writer is silent, /dev/zero without end, and a file of 4 GiB with EICAR at its end",
		"an answer within the limit, not OK", "give each scan a deadline, count sizes in 64 bits, and answer FAILED or IMPOSSIBLE for what was not read to its end", checkDeadline},
}

func checkVerdicts(ctx context.Context, e *env) (string, error) {
	var p problems
	var h *host.Host
	var waited patience
	defer func() { e.done(h) }()
	for _, s := range samples.All() {
		if h == nil {
			var err error
			if h, err = e.working(ctx); err != nil {
				return "", err
			}
		}
		a, err := h.SendScanAs(e.Path(s.Name), s.Name, host.ViSize).Wait(e.Limit)
		switch {
		case err != nil:
			p.add("%v", err)
			e.done(h)
			h = nil
			if waited.lost(err) {
				return "", p.err()
			}
		case a.Fault() != "":
			p.add("%s: %s", s.Name, a.Fault())
		case a.Verdict == host.Error:
			p.add("%s: ERROR makes the server restart; answer FAILED or IMPOSSIBLE", s.Name)
		case a.Verdict == host.OK && s.Expect != host.OK:
			p.add("%s: OK, expected %s", s.Name, s.Expect)
		case a.Verdict == host.VirusFound && a.Text == "":
			p.add("%s: VIRUS_FOUND without a name", s.Name)
		}
	}
	return "all answers keep to the interface", p.err()
}

func checkVirInfo(ctx context.Context, e *env) (string, error) {
	h, err := e.working(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	eicar := e.Path(samples.Eicar)
	full, err := h.SendScan(eicar).Wait(e.Limit)
	if err != nil {
		return "", err
	}
	var p problems
	n := len(full.Text)
	for _, size := range []int{0, 1, 2, n, n + 1, 255, 4096} {
		a, err := h.SendScanAs(eicar, samples.Eicar, size).Wait(e.Limit)
		if err != nil {
			p.add("vi_size %d: %v", size, err)
			return "", p.err()
		}
		if fault := a.Fault(); fault != "" {
			p.add("vi_size %d: %s", size, fault)
		}
		if a.Verdict != full.Verdict {
			p.add("vi_size %d: %s, but %s with 256", size, a.Verdict, full.Verdict)
		}
		if !isCut(a.Text, full.Text, size) {
			p.add("vi_size %d: %q is not what fits of %q", size, a.Text, full.Text)
		}
	}
	return fmt.Sprintf("%q, cut where it had to be", full.Text), p.err()
}

// isCut tells whether text is what fits of full into size bytes: all of it, or
// its beginning, perhaps with dots that show the cut. Where there is room for
// nothing useful, nothing is right.
func isCut(text, full string, size int) bool {
	if size > len(full) {
		return text == full
	}
	return strings.HasPrefix(full, strings.TrimRight(text, "."))
}

// longPath returns a path of exactly size bytes to a file called name in
// folders below dir, which it makes.
func longPath(dir, name string, size int) (string, error) {
	const part = 200
	path := dir
	for len(path)+1+part+1+part+1+len(name) < size {
		path += "/" + strings.Repeat("d", part)
	}
	rest := size - len(path) - len(name) - 2
	first := min(rest, part)
	path += "/" + strings.Repeat("e", first)
	if rest > first+1 {
		path += "/" + strings.Repeat("f", rest-first-1)
	}
	path += "/" + name
	if len(path) != size {
		return "", fmt.Errorf("made a path of %d bytes, not %d", len(path), size)
	}
	return path, os.MkdirAll(filepath.Dir(path), 0o755)
}

func checkNames(ctx context.Context, e *env) (string, error) {
	const longest = 4095 // PATH_MAX without the NUL
	h, err := e.working(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	data, err := os.ReadFile(e.Path(samples.Eicar))
	if err != nil {
		return "", err
	}
	long, err := longPath(e.dir, samples.Eicar, longest)
	if err != nil {
		return "", err
	}
	paths := []string{long}
	for _, folder := range []string{"\xff\xfe\x80", "a b\tc\nd", "%n%s%d%%", `";$HOME'`, "\u017elu\u0165ou\u010dk\u00fd", "-rf", "FOUND", "stream: OK"} {
		paths = append(paths, filepath.Join(e.dir, folder, samples.Eicar))
	}
	var p problems
	for _, path := range paths {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return "", err
		}
		a, err := h.SendScan(path).Wait(e.Limit)
		p = append(p, wrongName(quoted(path), a, err)...)
		if err != nil {
			return "", p.err()
		}
	}
	for _, name := range []string{"", "\xff\xfe", strings.Repeat("n", longest), "%n%s%n", "../../x"} {
		a, err := h.SendScanAs(e.Path(samples.Eicar), name, host.ViSize).Wait(e.Limit)
		p = append(p, wrongName("real name "+quoted(name), a, err)...)
		if err != nil {
			return "", p.err()
		}
	}
	a, err := h.SendScan(strings.Repeat("/d", 5000) + "/" + samples.Eicar).Wait(e.Limit)
	if err != nil {
		p.add("a path of 10 KB: %v", err)
	} else if a.Verdict == host.OK || a.Fault() != "" {
		p.add("a path of 10 KB: %s %s", a.Verdict, a.Fault())
	}
	return fmt.Sprintf("%d paths, 5 real names", len(paths)), p.err()
}

func wrongName(what string, a host.Answer, err error) (p problems) {
	switch {
	case err != nil:
		p.add("%s: %v", what, err)
	case a.Fault() != "":
		p.add("%s: %s", what, a.Fault())
	case a.Verdict != host.VirusFound:
		p.add("%s: %s %q, not VIRUS_FOUND", what, a.Verdict, a.Text)
	}
	return p
}

func quoted(path string) string {
	if len(path) > 100 {
		return fmt.Sprintf("%q… (%d bytes)", path[:40], len(path))
	}
	return fmt.Sprintf("%q", path)
}

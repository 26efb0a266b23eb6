package host

import (
	"fmt"
	"strconv"
	"time"
)

// Verdict is what plugin_thread_test_file returned, right or wrong.
type Verdict int

// The results of the interface.
const (
	Failed     Verdict = 0
	OK         Verdict = 1
	VirusFound Verdict = 2
	VirusCured Verdict = 3
	Impossible Verdict = 4
	Error      Verdict = 5

	// NoContext is avserver's, for a thread whose plugin_thread_init failed.
	NoContext Verdict = -1
)

func (v Verdict) String() string {
	names := map[Verdict]string{
		Failed: "FAILED", OK: "OK", VirusFound: "VIRUS_FOUND", VirusCured: "VIRUS_CURED",
		Impossible: "IMPOSSIBLE", Error: "ERROR", NoContext: "no context",
	}
	if name, ok := names[v]; ok {
		return name
	}
	return fmt.Sprintf("unknown result %d", int(v))
}

// ViSize is the real host's vi_size.
const ViSize = 256

// Answer is all that one scan left behind.
type Answer struct {
	Verdict      Verdict
	Text         string        // vir_info
	Unterminated bool          // vir_info had no ending NUL
	Overrun      int           // bytes written outside of vir_info
	Time         time.Duration // in the plugin
}

// Fault returns how the answer breaks the interface, or "".
func (a Answer) Fault() string {
	switch {
	case a.Verdict == NoContext:
		return "plugin_thread_init failed"
	case a.Verdict < Failed || a.Verdict > Error:
		return fmt.Sprintf("returned %d, which is no result of the interface", int(a.Verdict))
	case a.Verdict == VirusCured:
		return "returned VIRUS_CURED, which the host does not support"
	case a.Overrun > 0:
		return fmt.Sprintf("wrote %d bytes outside of vir_info", a.Overrun)
	case a.Unterminated:
		return "vir_info has no ending NUL"
	}
	for i := range len(a.Text) {
		if c := a.Text[i]; c < ' ' || c >= 0x7F {
			return fmt.Sprintf("vir_info holds the byte 0x%02X, which is not printable ASCII: %q", c, a.Text)
		}
	}
	return ""
}

// Scan is a scan that was sent to the workers.
type Scan struct {
	pending *Pending
}

// SendScan queues a scan of path, with realname NULL, for the workers.
func (h *Host) SendScan(path string) Scan {
	return Scan{h.Send("the scan of "+strconv.Quote(shorten(path)), "scan", strconv.Itoa(ViSize), path)}
}

// SendScanAs is SendScan with a realname and a size for vir_info.
func (h *Host) SendScanAs(path, realname string, viSize int) Scan {
	return Scan{h.Send("the scan of "+strconv.Quote(shorten(path)), "scan", strconv.Itoa(viSize), path, realname)}
}

// Wait returns the answer, or an error as Pending.Wait does.
func (s Scan) Wait(limit time.Duration) (Answer, error) {
	facts, err := s.pending.Wait(limit)
	if err != nil {
		return Answer{}, err
	}
	return Answer{
		Verdict:      Verdict(facts.Int("verdict")),
		Text:         facts.Get("text"),
		Unterminated: facts.Int("unterminated") != 0,
		Overrun:      facts.Int("overrun"),
		Time:         facts.Duration("ns"),
	}, nil
}

// shorten keeps the end of a long path, where the name is.
func shorten(path string) string {
	if len(path) > 120 {
		return "…" + path[len(path)-100:]
	}
	return path
}

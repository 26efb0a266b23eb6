package fakeclamd

import (
	"fmt"
	"slices"
	"strings"
)

// Fault is one way to misbehave. The zero Fault is none.
type Fault struct {
	Name  string // of Faults
	Text  string // for "reply": what follows the id, in place of the verdict
	Skip  int    // how many scans go well first
	Times int    // how many scans it spoils then; 0 means all
}

// Faults are the names and meanings of all faults.
var Faults = map[string]string{
	"no-reply":         "takes the file and never answers",
	"eof":              "takes the file and closes the connection",
	"half-reply":       "answers without the terminator and closes the connection",
	"slow-reply":       "answers one byte at a time",
	"reset-with-reply": "answers that the stream is too long in the middle of it, and resets the connection",
	"reset":            "resets the connection in the middle of the stream",
	"size-limit":       "answers that the stream is too long after all of it, and closes the connection",
	"idle-timeout":     "gives the session up with clamd's timeout text right after a verdict",
	"timeout":          "gives the session up with clamd's timeout text in place of a verdict",
	"wrong-id":         "answers with an id that was not given out yet",
	"stale-id":         "answers with the id of the command before",
	"two-replies":      "answers ERROR and then OK",
	"ok-then-found":    "answers OK and then FOUND",
	"await-ping":       "holds the verdict back until a PING comes",
	"hold":             "holds the verdict back until the test sets another fault",
	"pong":             "sends a PONG that nobody asked for before the verdict",
	"endless":          "answers with megabytes that have no terminator",
	"no-session":       "answers UNKNOWN COMMAND to IDSESSION and closes the connection",
	"stop-reading":     "stops reading in the middle of the stream",
	"dead-engine":      "answers OK for every file",
	"refuse-plain":     "answers that it can't allocate memory for every file that is no archive",
	"eof-plain":        "takes each file that is no archive and closes the connection",
	"cut-plain":        "resets the connection after the first chunk of each file that is no archive",
	"reply":            "answers with a given text in place of the verdict",
}

// ParseFault reads NAME or reply=TEXT.
func ParseFault(s string) (Fault, error) {
	if text, ok := strings.CutPrefix(s, "reply="); ok {
		return Fault{Name: "reply", Text: text}, nil
	}
	if _, ok := Faults[s]; !ok || s == "reply" {
		names := []string{"reply=TEXT"}
		for name := range Faults {
			if name != "reply" {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return Fault{}, fmt.Errorf("no fault is called %q: use one of %s", s, strings.Join(names, ", "))
	}
	return Fault{Name: s}, nil
}

// Set makes the fake misbehave from the next scan on, or stop doing so. A
// name that is not in Faults is a mistake in the test and panics.
func (f *Server) Set(fault Fault) {
	if _, ok := Faults[fault.Name]; !ok && fault != (Fault{}) {
		panic("fakeclamd: no fault is called " + fault.Name)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
	close(f.changed)
	f.changed = make(chan struct{})
}

// next counts a scan and returns its fault, and what is closed when the test
// sets another one.
func (f *Server) next() (now Fault, changed <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scans++
	now, changed = f.fault, f.changed
	switch {
	case now.Name == "":
	case now.Skip > 0:
		f.fault.Skip--
		return Fault{}, changed
	case now.Times == 1:
		f.fault = Fault{}
	case now.Times > 1:
		f.fault.Times--
	}
	return now, changed
}

// countFile counts a file by what it begins with.
func (f *Server) countFile(content []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if isPlain(content) {
		f.plain++
	}
}

func (f *Server) countPing() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pings++
}

// refusesSessions is the one fault that strikes before a scan.
func (f *Server) refusesSessions() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fault.Name == "no-session"
}

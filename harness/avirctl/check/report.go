package check

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// State is a report in one word, with the exit status that monitoring systems
// take for it.
type State struct {
	Word string
	Exit int
}

// State is the worst of all findings. Where neither a scan nor an answer of
// clamd could be had, and nothing failed, nobody knows whether mail is scanned.
func (r Report) State() State {
	switch {
	case r.count(Failed) > 0:
		return State{"CRITICAL", 2}
	case !r.scanned():
		return State{"UNKNOWN", 3}
	case r.count(Warning) > 0:
		return State{"WARNING", 1}
	}
	return State{"OK", 0}
}

func (r Report) scanned() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Check == "scan" && f.Level == OK })
}

func (r Report) count(level Level) int {
	n := 0
	for _, f := range r.Findings {
		if f.Level == level {
			n++
		}
	}
	return n
}

// Text writes the report for people.
func (r Report) Text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range r.Findings {
		fmt.Fprintf(t, "%s\t%s\t%s\n", f.Level, f.Check, oneLine(f.Text))
		if f.Remedy != "" && f.Level != OK {
			fmt.Fprintf(t, "\t\tto do: %s\n", oneLine(f.Remedy))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	var parts []string
	for _, level := range []Level{Failed, Warning, NotChecked, OK} {
		if n := r.count(level); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, level))
		}
	}
	_, err := fmt.Fprintf(w, "%s: %s\n", r.State().Word, strings.Join(parts, ", "))
	return err
}

// Monitoring writes one line as monitoring plugins do: the state, the worst
// finding, and figures behind a bar.
func (r Report) Monitoring(w io.Writer) error {
	said := fmt.Sprintf("%d checks are good", r.count(OK))
	for _, level := range []Level{Failed, Warning, NotChecked} {
		if i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Level == level }); i >= 0 && r.State().Exit > 0 {
			f := r.Findings[i]
			said = f.Check + ": " + f.Text
			if n := r.count(level); n > 1 {
				said += fmt.Sprintf(" (and %d more)", n-1)
			}
			break
		}
	}
	return MonitoringLine(w, r.State().Word, oneLine(said), r.perfdata())
}

// MonitoringLine writes a line of its own for monitoring systems. Neither what
// is said nor the figures may have a line break.
func MonitoringLine(w io.Writer, state, said, figures string) error {
	// A bar would begin the figures.
	_, err := fmt.Fprintf(w, "AVIRKIT %s - %s |%s\n", state, strings.ReplaceAll(said, "|", "/"), figures)
	return err
}

// perfdata writes the figures as 'name'=value[unit].
func (r Report) perfdata() string {
	text := ""
	for _, name := range slices.Sorted(maps.Keys(r.Figures)) {
		unit := ""
		switch {
		case strings.Contains(name, "seconds"):
			unit = "s"
		case strings.HasSuffix(name, "bytes"):
			unit = "B"
		}
		text += fmt.Sprintf(" '%s'=%s%s", name, trim(r.Figures[name]), unit)
	}
	return text
}

func trim(v float64) string {
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.6f", v), "0"), ".")
}

// JSON writes the report for programs.
func (r Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		State string `json:"state"`
		Exit  int    `json:"exit"`
		Report
	}{r.State().Word, r.State().Exit, r})
}

// oneLine keeps a text of a plugin or a server from making lines of its own.
func oneLine(text string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7F {
			return ' '
		}
		return c
	}, text)
}

package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// Table writes the result table: one line for each case, and below it what
// failed or could not run, at length.
func (r *Report) Table(w io.Writer) {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "TEST\tCASE\tEXPECTED\tGOT\tTIME\tRESULT")
	for _, c := range r.Cases {
		fmt.Fprintf(columns, "%s\t%s\t%s\t%s\t%s\t%s\n", c.Test, c.Name, clip(c.Expected), clip(c.Saw), short(c.Time), label(c.Status))
	}
	columns.Flush()
	for _, c := range r.Cases {
		if c.Status != Passed {
			c.write(w)
		}
	}
	fmt.Fprintf(w, "\n%d passed, %d failed, %d not applicable%s\n", r.Count(Passed), r.Count(Failed), r.Count(NotApplicable), r.missing())
}

// missing names what did not run, and why, each reason once.
func (r *Report) missing() string {
	var reasons []string
	names := map[string][]string{}
	for _, c := range r.Cases {
		if c.Status == NotApplicable {
			why := strings.ReplaceAll(Printable(c.Saw), "\n", " ")
			if names[why] == nil {
				reasons = append(reasons, why)
			}
			names[why] = append(names[why], c.Test+"/"+c.Name)
		}
	}
	var text strings.Builder
	for _, why := range reasons {
		fmt.Fprintf(&text, "; did not run: %s (%s)", strings.Join(names[why], ", "), why)
	}
	return text.String()
}

func (c Case) write(w io.Writer) {
	fmt.Fprintf(w, "\n%s: %s/%s\n", label(c.Status), c.Test, c.Name)
	for _, part := range []struct{ name, text string }{
		{"did", c.Did}, {"expected", c.Expected}, {"saw", c.Saw}, {"change", c.Advice},
	} {
		if part.text != "" {
			fmt.Fprintf(w, "  %-9s %s\n", part.name, strings.ReplaceAll(Printable(part.text), "\n", "\n            "))
		}
	}
	for _, l := range c.Log {
		fmt.Fprintf(w, "  %-9s %s: %s\n", "log", l.Level, Printable(l.Text))
	}
}

// label is the reference program's word for a status.
func label(s Status) string {
	switch s {
	case Passed:
		return "*Success*"
	case Failed:
		return "**Failed**"
	}
	return "not applicable"
}

// short writes a time with about three digits.
func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.1f us", float64(d)/float64(time.Microsecond))
}

// clip keeps a column narrow; the long text stands below the table or in the
// JSON.
func clip(text string) string {
	text, _, _ = strings.Cut(Printable(text), "\n")
	if r := []rune(text); len(r) > 40 {
		return string(r[:39]) + "…"
	}
	return text
}

// Printable replaces what a terminal would obey, in text that may come from the
// plugin: control characters of 7 and 8 bits, and those that turn text around.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && (!unicode.IsPrint(r) || r == unicode.ReplacementChar) {
			return '?'
		}
		return r
	}, text)
}

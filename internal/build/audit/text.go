package audit

import (
	"fmt"
	"io"
	"strings"
)

// WriteText writes the report for people: the facts, then the findings with
// one offender a line, then the result.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	fact := func(name, value string) {
		if value == "" {
			value = "none"
		}
		fmt.Fprintf(&b, "  %-11s %s\n", name, value)
	}
	fmt.Fprintln(&b, r.File)
	fact("format", "shared library for "+r.Platform)
	fact("soname", r.Soname)
	fact("needs", strings.Join(r.Needed, " "))
	fact("glibc", r.newestImports())
	fact("exports", strings.Join(r.Exports, " "))
	fact("imports", fmt.Sprintf("%d symbols", len(r.Imports)))
	fact("flags", strings.Join(r.Flags, " "))
	fact("TLS", fmt.Sprintf("%d bytes", r.TLSBytes))
	if r.Go != nil {
		fact("built by", r.Go.Version)
	}
	fact("stripped", map[bool]string{true: "yes", false: "no"}[r.Stripped])
	fact("build id", r.BuildID)
	fact("debuglink", r.Debuglink)

	failed := 0
	for _, f := range r.Findings {
		if f.Severity == Error {
			failed++
		}
		fmt.Fprintf(&b, "  %s [%s] %s\n", strings.ToUpper(string(f.Severity)), f.Rule, f.Message)
		for _, s := range f.Symbols {
			fmt.Fprintf(&b, "      %s\n", s)
		}
	}
	if failed == 0 {
		fmt.Fprintln(&b, "  passes the audit")
	} else {
		fmt.Fprintf(&b, "  fails the audit: errors found: %d\n", failed)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// newestImports names the newest glibc version and the symbols that ask for it.
func (r *Report) newestImports() string {
	if r.Glibc == "" {
		return ""
	}
	var names []string
	for _, i := range r.Imports {
		if i.Version == "GLIBC_"+r.Glibc {
			names = append(names, i.Name)
		}
	}
	return strings.TrimSpace(r.Glibc + " " + strings.Join(names, " "))
}

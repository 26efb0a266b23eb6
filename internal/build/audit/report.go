package audit

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Severity says what a finding means for the library.
type Severity string

const (
	// Error: the library must not be shipped.
	Error Severity = "error"
	// Warning: the library loads, but someone should look at this.
	Warning Severity = "warning"
	// Note: a fact that the reader of the report should know.
	Note Severity = "note"
)

// Finding is one rule that a library does not keep.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
	// Symbols are the offenders: symbols, functions, libraries or places.
	Symbols []string `json:"symbols,omitempty"`
}

// String is the finding on one line, with every offender.
func (f Finding) String() string {
	text := fmt.Sprintf("%s [%s] %s", f.Severity, f.Rule, f.Message)
	if len(f.Symbols) > 0 {
		text += ": " + strings.Join(f.Symbols, ", ")
	}
	return text
}

// Import is a symbol that the library needs from another one.
type Import struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Library string `json:"library,omitempty"`
	Weak    bool   `json:"weak,omitempty"`
}

// String is the import as linkers write it: name@version (library).
func (i Import) String() string {
	text := i.Name
	if i.Version != "" {
		text += "@" + i.Version
	}
	if i.Library != "" {
		text += " (" + i.Library + ")"
	}
	return text
}

// GoBuild is what the Go build information in the library says.
type GoBuild struct {
	Version  string            `json:"version"`
	Settings map[string]string `json:"settings,omitempty"`
}

// Report holds the facts read from a library and the rules it does not keep.
// Every list is sorted, so that equal libraries give equal reports; it holds no
// path and no time.
type Report struct {
	// File is the base name of the library.
	File     string `json:"file"`
	Platform string `json:"platform"`
	Soname   string `json:"soname,omitempty"`
	// Needed are the libraries that ld.so loads with this one.
	Needed  []string `json:"needed"`
	Exports []string `json:"exports"`
	Imports []Import `json:"imports"`
	// Glibc is the newest glibc version that ld.so asks for, without "GLIBC_".
	Glibc string `json:"glibc,omitempty"`
	// TLSBytes is the size of the thread-local storage of each thread.
	TLSBytes uint64 `json:"tls_bytes"`
	// Flags are the properties that are on, such as BIND_NOW or RELRO.
	Flags     []string  `json:"flags"`
	BuildID   string    `json:"build_id,omitempty"`
	Debuglink string    `json:"debuglink,omitempty"`
	Stripped  bool      `json:"stripped"`
	Go        *GoBuild  `json:"go,omitempty"`
	Findings  []Finding `json:"findings"`
}

// Err is nil if the library may be shipped; else it names every error found.
func (r *Report) Err() error {
	var errs []error
	for _, f := range r.Findings {
		if f.Severity == Error {
			errs = append(errs, errors.New("  "+f.String()))
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("%s fails the audit:\n%w", r.File, errors.Join(errs...))
}

func (r *Report) add(rule string, severity Severity, message string, symbols ...string) {
	slices.Sort(symbols)
	r.Findings = append(r.Findings, Finding{rule, severity, message, slices.Compact(symbols)})
}

// addIfAny reports a rule whose offenders have been collected.
func (r *Report) addIfAny(rule string, severity Severity, message string, symbols []string) {
	if len(symbols) > 0 {
		r.add(rule, severity, message, symbols...)
	}
}

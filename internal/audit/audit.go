package audit

import (
	"debug/elf"
	"fmt"
	"path/filepath"
)

// audit is one library on its way through the rules.
type audit struct {
	*library
	*Report
	policy  Policy
	symbols []elf.Symbol
	// tlsSlots are the addresses where ld.so puts an offset of static TLS.
	tlsSlots map[uint32]bool
}

// File audits one library. The error says why the file could not be audited at
// all: it is missing, not ELF, damaged, or not for i386. Everything else is in
// the report, and Report.Err says whether the library passes.
func File(path string, policy Policy) (*Report, error) {
	lib, err := open(path)
	if err != nil {
		return nil, err
	}
	report, err := lib.audit(policy)
	if err != nil {
		return nil, fmt.Errorf("audit %s: %w", path, err)
	}
	report.File = filepath.Base(path)
	return report, nil
}

func (l *library) audit(policy Policy) (*Report, error) {
	symbols, err := l.DynamicSymbols()
	if err != nil {
		return nil, fmt.Errorf("read the dynamic symbols of a damaged library: %w", err)
	}
	a := &audit{
		library: l,
		policy:  policy,
		symbols: symbols,

		tlsSlots: map[uint32]bool{},
		// Empty lists, not null, in the manifest.
		Report: &Report{
			Class: "ELF32", Machine: "i386",
			Needed: []string{}, Exports: []string{}, Imports: []Import{},
			Flags: []string{}, Findings: []Finding{},
		},
	}
	for _, rules := range []func() error{
		a.dynamicSection,
		a.segments,
		a.notes,
		a.relocations,
		a.exportedSymbols,
		a.importedSymbols,
		a.versions,
		a.homes,
		a.sections,
		a.goBuild,
	} {
		if err := rules(); err != nil {
			return nil, err
		}
	}
	return a.Report, nil
}

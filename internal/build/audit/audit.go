package audit

import (
	"debug/elf"
	"fmt"
	"path/filepath"
)

// audit is one library on its way through the rules.
type audit struct {
	*library // the file, and its platform
	*Report
	policy  Policy
	symbols []elf.Symbol
	// tlsSlots are the addresses where ld.so puts an offset of static TLS.
	tlsSlots map[uint64]bool
	// pointers are the addresses that ld.so puts into the library's own data,
	// by their places.
	pointers map[uint64]uint64
}

// File audits one library. The error says why the file could not be audited at
// all: it is missing, not ELF, damaged, or for none of the platforms. Everything
// else is in the report, and Report.Err says whether the library passes.
func File(path string, policy Policy) (*Report, error) {
	return file(path, parse, func(lib *library) (*Report, error) { return lib.audit(policy) })
}

// Program audits what a program needs of the system: libraries, symbols and
// their versions, the kernel. The rules for libraries are not for it.
func Program(path string, policy Policy) (*Report, error) {
	return file(path, parseProgram, func(lib *library) (*Report, error) {
		a, err := lib.start(policy)
		if err != nil {
			return nil, err
		}
		return a.apply(a.dynamicSection, a.notes, a.importedSymbols, a.versions, a.homes)
	})
}

func file(path string, parse func([]byte) (*library, error), judge func(*library) (*Report, error)) (*Report, error) {
	lib, err := open(path, parse)
	if err != nil {
		return nil, err
	}
	report, err := judge(lib)
	if err != nil {
		return nil, fmt.Errorf("audit %s: %w", path, err)
	}
	report.File = filepath.Base(path)
	return report, nil
}

func (l *library) audit(policy Policy) (*Report, error) {
	a, err := l.start(policy)
	if err != nil {
		return nil, err
	}
	return a.apply(
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
	)
}

// start returns an audit with an empty report.
func (l *library) start(policy Policy) (*audit, error) {
	symbols, err := l.DynamicSymbols()
	if err != nil {
		return nil, fmt.Errorf("read the dynamic symbols of a damaged library: %w", err)
	}
	return &audit{
		library: l,
		policy:  policy,
		symbols: symbols,

		tlsSlots: map[uint64]bool{},
		pointers: map[uint64]uint64{},
		// Empty lists, not null, in the manifest.
		Report: &Report{
			Platform: l.platform.Name,
			Needed:   []string{}, Exports: []string{}, Imports: []Import{},
			Flags: []string{}, Findings: []Finding{},
		},
	}, nil
}

// apply applies rules, in their order, and returns the report.
func (a *audit) apply(rules ...func() error) (*Report, error) {
	for _, rule := range rules {
		if err := rule(); err != nil {
			return nil, err
		}
	}
	return a.Report, nil
}

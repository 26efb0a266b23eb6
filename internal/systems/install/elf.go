package install

import (
	"debug/elf"
	"fmt"
	"slices"
)

// needs is what a library asks for, found by another way than the one that
// the packages' dependencies come from: symbol by symbol.
type needs struct {
	sonames  []string
	versions []string // "libc.so.6(GLIBC_2.0)"
}

func readNeeds(library string) (needs, error) {
	f, err := elf.Open(library)
	if err != nil {
		return needs{}, fmt.Errorf("read the library %s: %w", library, err)
	}
	defer f.Close()
	var n needs
	if n.sonames, err = f.ImportedLibraries(); err != nil {
		return n, fmt.Errorf("read what %s is linked with: %w", library, err)
	}
	symbols, err := f.ImportedSymbols()
	if err != nil {
		return n, fmt.Errorf("read the symbols of %s: %w", library, err)
	}
	for _, s := range symbols {
		if s.Version != "" {
			n.versions = append(n.versions, fmt.Sprintf("%s(%s)", s.Library, s.Version))
		}
	}
	slices.Sort(n.versions)
	n.versions = slices.Compact(n.versions)
	if len(n.sonames) == 0 || len(n.versions) == 0 {
		return n, fmt.Errorf("%s needs no library or no symbol version: that can't be", library)
	}
	return n, nil
}

package packages

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/avirkit/avirkit/internal/build/glibc"
	"github.com/avirkit/avirkit/internal/build/platform"
)

// Needs is what a library asks the dynamic linker for.
type Needs struct {
	platform *platform.Platform
	sonames  []string // DT_NEEDED, in order
	symbols  []string // "libc.so.6(GLIBC_2.0)", sorted
	glibc    string   // the number of the newest GLIBC version
	gnuHash  bool     // has only the newer of the two hash tables
}

// ReadNeeds reads the needs of the library at path, which must be of a
// platform.
func ReadNeeds(path string, of *platform.Platform) (Needs, error) {
	f, err := elf.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return Needs{}, fmt.Errorf("%s is not built: run go tool mage build", path)
	}
	if err != nil {
		return Needs{}, fmt.Errorf("read the library %s: %w", path, err)
	}
	defer f.Close()
	if f.Type != elf.ET_DYN || platform.Of(f.Class, f.Machine) != of {
		return Needs{}, fmt.Errorf("%s is no shared library for %s (%v, %v, %v): the product can't load it", path, of.Words, f.Type, f.Class, f.Machine)
	}
	needs, err := readNeeds(f, of)
	if err != nil {
		return Needs{}, fmt.Errorf("%s: %w", path, err)
	}
	return needs, nil
}

func readNeeds(f *elf.File, of *platform.Platform) (n Needs, err error) {
	n.platform = of
	if n.sonames, err = f.ImportedLibraries(); err != nil {
		return n, fmt.Errorf("read what it is linked with: %w", err)
	}
	for _, soname := range n.sonames {
		// glibc's packages hold them everywhere, and nothing else.
		if !slices.Contains(of.Glibc().Sonames(), soname) {
			return n, fmt.Errorf("needs %s, which is not part of glibc: link it statically", soname)
		}
	}
	versions, err := f.DynamicVersionNeeds()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return n, fmt.Errorf("read its symbol versions: %w", err)
	}
	for _, v := range versions {
		for _, need := range v.Needs {
			n.symbols = append(n.symbols, fmt.Sprintf("%s(%s)", v.Name, need.Dep))
			if err := n.take(need.Dep); err != nil {
				return n, fmt.Errorf("needs %s(%s): %w", v.Name, need.Dep, err)
			}
		}
	}
	slices.Sort(n.symbols)
	sysv, err := f.DynValue(elf.DT_HASH)
	if err != nil {
		return n, fmt.Errorf("read its hash table: %w", err)
	}
	n.gnuHash = len(sysv) == 0
	return n, nil
}

// take raises what is needed of glibc to a symbol version.
func (n *Needs) take(version string) error {
	number, ok := glibc.Number(version)
	if !ok {
		return errors.New("only versions like GLIBC_2.3.4 can be turned into a dependency")
	}
	if glibc.Newer(number, n.glibc) {
		n.glibc = number
	}
	return nil
}

// DebGlibc returns the relation that a Debian package of glibc must satisfy,
// ">= 2.3.6-6~". Debian's own shlibs files name that version for everything
// that came before it, and the upstream version for what is newer.
func (n Needs) DebGlibc() string {
	if glibc.Newer("2.4", n.glibc) {
		return ">= 2.3.6-6~"
	}
	return ">= " + n.glibc
}

// RPM returns the requirements as rpmbuild writes them: libc.so.6 and
// libc.so.6(GLIBC_2.0), or libc.so.6()(64bit) and libc.so.6(GLIBC_2.2.5)(64bit).
func (n Needs) RPM() []string {
	mark := n.platform.RPMMark
	var requires []string
	for _, soname := range n.sonames {
		if mark != "" {
			soname += "()"
		}
		requires = append(requires, soname+mark)
	}
	for _, symbol := range n.symbols {
		requires = append(requires, symbol+mark)
	}
	if n.gnuHash {
		requires = append(requires, "rtld(GNU_HASH)")
	}
	return requires
}

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

// readNeeds returns what the package of a library must depend on, in Debian's
// words and in rpm's. The library must be of a platform.
func readNeeds(path string, of *platform.Platform) (deb string, rpm []string, err error) {
	f, err := elf.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil, fmt.Errorf("%s is not built: run go tool mage build", path)
	}
	if err != nil {
		return "", nil, fmt.Errorf("read the library %s: %w", path, err)
	}
	defer f.Close()
	if f.Type != elf.ET_DYN || platform.Of(f.Class, f.Machine) != of {
		return "", nil, fmt.Errorf("%s is no shared library for %s (%v, %v, %v): the product can't load it", path, of.Words, f.Type, f.Class, f.Machine)
	}
	rpm, versions, err := rpmNeeds(f, of)
	if err == nil {
		deb, err = debGlibc(versions)
	}
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", path, err)
	}
	return deb, rpm, nil
}

// rpmNeeds returns the requirements as rpmbuild writes them: libc.so.6 and
// libc.so.6(GLIBC_2.0), or libc.so.6()(64bit) and libc.so.6(GLIBC_2.2.5)(64bit);
// and the names of the versions in them.
func rpmNeeds(f *elf.File, of *platform.Platform) (requires, versions []string, err error) {
	sonames, err := f.ImportedLibraries()
	if err != nil {
		return nil, nil, fmt.Errorf("read what it is linked with: %w", err)
	}
	for _, soname := range sonames {
		// glibc's packages hold them everywhere, and nothing else.
		if !slices.Contains(of.Glibc().Sonames(), soname) {
			return nil, nil, fmt.Errorf("needs %s, which is not part of glibc: link it statically", soname)
		}
		requires = append(requires, RPMSoname(soname, of))
	}
	libraries, err := f.DynamicVersionNeeds()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return nil, nil, fmt.Errorf("read its symbol versions: %w", err)
	}
	var symbols []string
	for _, library := range libraries {
		for _, need := range library.Needs {
			symbols = append(symbols, fmt.Sprintf("%s(%s)%s", library.Name, need.Dep, of.RPMMark))
			versions = append(versions, need.Dep)
		}
	}
	slices.Sort(symbols)
	requires = append(requires, symbols...)
	if sysv, err := f.DynValue(elf.DT_HASH); err != nil {
		return nil, nil, fmt.Errorf("read its hash table: %w", err)
	} else if len(sysv) == 0 {
		requires = append(requires, "rtld(GNU_HASH)")
	}
	return requires, versions, nil
}

// RPMSoname is how rpm spells a library without a version.
func RPMSoname(soname string, of *platform.Platform) string {
	if of.RPMMark == "" {
		return soname
	}
	return soname + "()" + of.RPMMark
}

// debGlibc returns the relation that a Debian package of glibc must satisfy,
// "libc6 (>= 2.3.6-6~)". Debian's own shlibs files name that version for
// everything that came before it, and the upstream version for what is newer.
func debGlibc(versions []string) (string, error) {
	newest := ""
	for _, version := range versions {
		number, ok := glibc.Number(version)
		if !ok {
			return "", fmt.Errorf("needs %s: only versions like GLIBC_2.3.4 can be turned into a dependency", version)
		}
		if glibc.Newer(number, newest) {
			newest = number
		}
	}
	if glibc.Newer("2.4", newest) {
		newest = "2.3.6-6~"
	}
	return "libc6 (>= " + newest + ")", nil
}

package audit

import (
	"debug/elf"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Ends tells which of the objects that a library was linked of, the author's and
// not those of archives, call functions that end the process: refused are calls
// without a fault, warned of are aborts. A child that was forked may call _exit,
// so an object that forks is only warned of.
func (r *Report) Ends(objects ...string) (refused, warned []string, err error) {
	for _, object := range objects {
		source, calls, err := r.importsOf(object)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", object, err)
		}
		forks := slices.Contains(calls, "fork") || slices.Contains(calls, "vfork")
		for _, name := range calls {
			switch call := source + " calls " + name; {
			case forks && strings.HasPrefix(strings.ToLower(name), "_exit"):
				warned = append(warned, call+", which only a forked child may do")
			case slices.Contains(cForbidden, name):
				refused = append(refused, call)
			case slices.Contains(cAborts, name):
				warned = append(warned, call+", which ends the host's process")
			}
		}
	}
	return refused, warned, nil
}

// importsOf returns what an object takes from other libraries, and the source
// that it was compiled from.
func (r *Report) importsOf(object string) (source string, imports []string, err error) {
	f, err := elf.Open(object)
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	source = filepath.Base(object)
	symbols, err := f.Symbols()
	if errors.Is(err, elf.ErrNoSymbols) {
		return source, nil, nil
	}
	for _, s := range symbols {
		isImport := func(i Import) bool { return i.Name == s.Name }
		switch {
		case elf.ST_TYPE(s.Info) == elf.STT_FILE:
			source = s.Name
		case s.Section == elf.SHN_UNDEF && slices.ContainsFunc(r.Imports, isImport):
			imports = append(imports, s.Name)
		}
	}
	return source, imports, err
}

package audit

import (
	"debug/elf"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Ends looks for calls of functions that end the process, in the object files of
// the author's own sources. refused are calls that end it in an orderly way, such
// as exit. warned are aborts, and calls of _exit in an object that also forks: a
// forked child may do that.
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

package audit

import (
	"cmp"
	"debug/elf"
	"fmt"
	"slices"
	"strings"
)

// exportedSymbols judges what the host and other libraries can see. The host
// looks up one function. Any other exported symbol can be bound to by another
// library of the process, or be replaced by that library's symbol of the same
// name.
func (a *audit) exportedSymbols() error {
	versions := a.definedVersions()
	found := map[string]elf.Symbol{}
	for _, s := range a.symbols {
		// Linkers mark each version that a library defines with such a symbol.
		isVersionMark := s.Section == elf.SHN_ABS && slices.Contains(versions, s.Name)
		if s.Section == elf.SHN_UNDEF || !isVisible(s) || isVersionMark {
			continue
		}
		a.Exports = append(a.Exports, s.Name)
		found[s.Name] = s
	}
	slices.Sort(a.Exports)
	a.Exports = slices.Compact(a.Exports)

	for _, name := range a.policy.Exports {
		s, ok := found[name]
		switch {
		case !ok:
			a.add("export", Error, "does not export the function that the host looks up: export it with //export and a version script", name)
		case elf.ST_TYPE(s.Info) != elf.STT_FUNC:
			a.add("export", Error, fmt.Sprintf("exports it as %s, not as a function", elf.ST_TYPE(s.Info)), name)
		case elf.ST_BIND(s.Info) != elf.STB_GLOBAL || elf.ST_VISIBILITY(s.Other) != elf.STV_DEFAULT:
			a.add("export", Error, fmt.Sprintf("exports it as %s %s, not as STB_GLOBAL STV_DEFAULT", elf.ST_BIND(s.Info), elf.ST_VISIBILITY(s.Other)), name)
		case !a.isCode(s.Value):
			a.add("export", Error, "exports a function that lies outside of its code", name)
		}
	}
	var extra []string
	for _, name := range a.Exports {
		if !slices.Contains(a.policy.Exports, name) {
			extra = append(extra, name)
		}
	}
	a.addIfAny("extra-export", Error, "exports more than the host looks up: link with a version script { global: "+strings.Join(a.policy.Exports, "; ")+"; local: *; }", extra)
	return nil
}

func isVisible(s elf.Symbol) bool {
	visibility := elf.ST_VISIBILITY(s.Other)
	return elf.ST_BIND(s.Info) != elf.STB_LOCAL && visibility != elf.STV_HIDDEN && visibility != elf.STV_INTERNAL
}

func (a *audit) isCode(addr uint64) bool {
	p := a.segmentAt(addr)
	return addr != 0 && p != nil && p.Flags&elf.PF_X != 0
}

func (a *audit) definedVersions() (names []string) {
	versions, err := a.DynamicVersions()
	if err != nil {
		return nil
	}
	for _, v := range versions {
		names = append(names, v.Name)
	}
	return names
}

// importedSymbols judges the symbols that other libraries must provide.
func (a *audit) importedSymbols() error {
	var unversioned, weak, exits []string
	for _, s := range a.symbols {
		if s.Section != elf.SHN_UNDEF || elf.ST_BIND(s.Info) == elf.STB_LOCAL {
			continue
		}
		i := Import{Name: s.Name, Version: s.Version, Library: s.Library, Weak: elf.ST_BIND(s.Info) == elf.STB_WEAK}
		a.Imports = append(a.Imports, i)
		switch {
		case i.Version == "" && i.Weak:
			weak = append(weak, i.Name)
		case i.Version == "":
			unversioned = append(unversioned, i.Name)
		case slices.Contains(cForbidden, i.Name):
			exits = append(exits, i.String())
		}
	}
	slices.SortFunc(a.Imports, func(x, y Import) int {
		return cmp.Or(strings.Compare(x.Name, y.Name), strings.Compare(x.Version, y.Version))
	})
	a.addIfAny("unversioned", Error, "needs symbols that no library was found to have when it was linked: link with -Wl,-z,defs to see who needs them", unversioned)
	a.addIfAny("weak", Note, "uses these symbols only where the system has them", weak)
	a.addIfAny("exit", Warning, "may end the host's process: report errors through the plugin interface instead", exits)
	return nil
}

package audit

import (
	"debug/elf"
	"fmt"
	"slices"

	"github.com/avirkit/avirkit/internal/build/glibc"
)

// versions judges what ld.so looks at before it looks for any symbol: each
// library named in the version table must be loaded and define each version,
// or the whole plugin is refused. A version counts even if no symbol has it.
func (a *audit) versions() error {
	if a.SectionByType(elf.SHT_GNU_VERNEED) == nil {
		return nil
	}
	needs, err := a.DynamicVersionNeeds()
	if err != nil {
		return fmt.Errorf("read the symbol versions of a damaged library: %w", err)
	}
	var tooNew, private, foreign, notNeeded []string
	for _, need := range needs {
		if !slices.Contains(a.Needed, need.Name) {
			notNeeded = append(notNeeded, need.Name)
		}
		for _, dep := range need.Needs {
			number, isGlibc := glibc.Number(dep.Dep)
			users := a.users(need.Name, dep.Dep)
			switch {
			// ld.so goes on without a version that is only wanted weakly, to
			// the symbols that want it.
			case dep.Flags&elf.VER_FLG_WEAK != 0 && !a.strongly(need.Name, dep.Dep):
			case dep.Dep == "GLIBC_PRIVATE":
				private = append(private, users...)
			case !isGlibc:
				foreign = append(foreign, users...)
			case glibc.Newer(number, a.platform.GlibcFloor):
				tooNew = append(tooNew, users...)
				fallthrough
			default:
				if a.Glibc == "" || glibc.Newer(number, a.Glibc) {
					a.Glibc = number
				}
			}
		}
	}
	a.addIfAny("glibc-floor", Error, "needs symbol versions newer than glibc "+a.platform.GlibcFloor+": link against that version (zig's target, or the stub libraries), or do without", tooNew)
	a.addIfAny("glibc-private", Error, "uses glibc's internals, which no other glibc need have: do without", private)
	a.addIfAny("foreign-version", Error, "needs versions that glibc "+a.platform.GlibcFloor+" does not define: link these libraries in statically, or do without", foreign)
	a.addIfAny("version-library", Error, "has symbol versions of libraries that it does not load, on which old ld.so asserts: link with -Wl,--no-as-needed and these", notNeeded)
	return nil
}

// users are the symbols that have a version, or the bare version.
func (a *audit) users(library, version string) (names []string) {
	for _, i := range a.Imports {
		if i.Library == library && i.Version == version {
			names = append(names, i.String())
		}
	}
	if len(names) == 0 {
		names = append(names, fmt.Sprintf("%s (%s), by no symbol", version, library))
	}
	return names
}

// strongly says whether a symbol that has a version is not weak.
func (a *audit) strongly(library, version string) bool {
	return slices.ContainsFunc(a.Imports, func(i Import) bool {
		return i.Library == library && i.Version == version && !i.Weak
	})
}

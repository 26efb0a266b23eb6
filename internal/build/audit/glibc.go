package audit

import (
	"debug/elf"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const glibcPrefix = "GLIBC_"

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
			number, isGlibc := strings.CutPrefix(dep.Dep, glibcPrefix)
			users := a.users(need.Name, dep.Dep)
			switch {
			// ld.so goes on without a version that is only wanted weakly, to
			// the symbols that want it.
			case dep.Flags&elf.VER_FLG_WEAK != 0 && !a.strongly(need.Name, dep.Dep):
			case dep.Dep == "GLIBC_PRIVATE":
				private = append(private, users...)
			case !isGlibc || !isVersion(number):
				foreign = append(foreign, users...)
			case newer(number, a.platform.GlibcFloor):
				tooNew = append(tooNew, users...)
				fallthrough
			default:
				if a.Glibc == "" || newer(number, a.Glibc) {
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

func isVersion(text string) bool {
	for part := range strings.SplitSeq(text, ".") {
		if _, err := strconv.ParseUint(part, 10, 16); err != nil {
			return false
		}
	}
	return true
}

// newer compares dotted numbers: 2.11 is newer than 2.3.4. Both must satisfy
// isVersion; a part that does not counts as 0.
func newer(version, than string) bool {
	number := func(text string) (parts []uint64) {
		for part := range strings.SplitSeq(text, ".") {
			n, _ := strconv.ParseUint(part, 10, 16)
			parts = append(parts, n)
		}
		return parts
	}
	return slices.Compare(number(version), number(than)) > 0
}

package audit

import (
	"debug/elf"
	"fmt"
	"slices"
	"strings"
)

// Tags that debug/elf does not name: packed relocations, new in glibc 2.36.
const (
	dtRelrsz elf.DynTag = 35
	dtRelr   elf.DynTag = 36
)

// dynamicSection judges the tags that ld.so reads before anything else.
func (a *audit) dynamicSection() error {
	needed, err := a.DynString(elf.DT_NEEDED)
	if err != nil {
		return fmt.Errorf("read the libraries that it needs: %w", err)
	}
	a.Needed = append(a.Needed, needed...)
	if sonames, err := a.DynString(elf.DT_SONAME); err == nil && len(sonames) > 0 {
		a.Soname = sonames[0]
	}
	if a.flags()&elf.DF_BIND_NOW != 0 || a.flags1()&elf.DF_1_NOW != 0 || a.hasTag(elf.DT_BIND_NOW) {
		a.Flags = append(a.Flags, "BIND_NOW")
	} else {
		a.add("bind-now", Error, "symbols are bound at the first call, so a missing one ends the host in the middle of a scan: link with -Wl,-z,now, Go with -ldflags=-bindnow")
	}

	// The libraries that every supported system has with the C library itself.
	// libgcc_s and libstdc++ are packages of their own there.
	allowed := a.platform.Glibc().Sonames()
	var unknown []string
	for _, name := range a.Needed {
		if !slices.Contains(allowed, name) {
			unknown = append(unknown, name)
		}
	}
	a.addIfAny("needed", Error, "needs libraries that not every supported system has: link a static archive of each (-l:libNAME.a), or load it with dlopen at run time", unknown)

	var paths []string
	for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		values, _ := a.DynString(tag)
		for _, v := range values {
			paths = append(paths, strings.TrimPrefix(tag.String(), "DT_")+" "+v)
		}
		if len(values) == 0 && a.hasTag(tag) {
			paths = append(paths, strings.TrimPrefix(tag.String(), "DT_"))
		}
	}
	a.addIfAny("rpath", Error, "takes libraries from folders of the build machine: link without -rpath", paths)

	if !a.hasTag(elf.DT_HASH) && !a.hasTag(elf.DT_GNU_HASH) {
		a.add("hash", Error, "has no symbol hash table, so dlsym finds nothing in it: link with -Wl,--hash-style=both")
	}
	a.addIfAny("dynamic-tags", Error, "changes how other libraries are found or bound: link without these", a.presentTags(
		elf.DT_AUDIT, elf.DT_DEPAUDIT, elf.DT_FILTER, elf.DT_AUXILIARY))
	return nil
}

func (a *audit) hasTag(tag elf.DynTag) bool {
	_, has := a.dyn(tag)
	return has
}

func (a *audit) presentTags(tags ...elf.DynTag) (present []string) {
	for _, tag := range tags {
		if a.hasTag(tag) {
			present = append(present, tag.String())
		}
	}
	return present
}

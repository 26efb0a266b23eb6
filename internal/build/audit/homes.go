package audit

import (
	"slices"

	"github.com/avirkit/avirkit/internal/build/glibc"
)

// homes makes sure that ld.so of the floor finds each symbol where it was
// then. Much has moved into libc.so.6 since: a library linked on a newer
// system, with the old versions forced by .symver, takes pthread_create from
// there and loads only where the host happens to have loaded libpthread.so.0.
func (a *audit) homes() error {
	homeless := make(map[string][]string)
	var unknown []string
	for _, i := range a.Imports {
		number, isGlibc := glibc.Number(i.Version)
		if i.Weak || !isGlibc || glibc.Newer(number, a.platform.GlibcFloor) {
			continue // has a rule of its own
		}
		homes := a.platform.Glibc().Homes(i.Name)
		switch {
		case len(homes) == 0:
			unknown = append(unknown, i.String())
		case !slices.ContainsFunc(homes, func(home string) bool { return slices.Contains(a.Needed, home) }):
			homeless[homes[0]] = append(homeless[homes[0]], i.String())
		}
	}
	a.addIfAny("glibc-symbol", Error, "needs symbols that glibc "+a.platform.GlibcFloor+" does not have: link with zig's target or the floor's stub libraries, or do without", unknown)
	for _, l := range a.platform.Glibc().Libraries {
		a.addIfAny("glibc-home", Error, "needs symbols that glibc "+a.platform.GlibcFloor+" has in "+l.Soname+", but does not load that: link with the floor's stub libraries and -Wl,--no-as-needed", homeless[l.Soname])
	}
	return nil
}

package floor

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/systems/rootfs"
	"github.com/avirkit/avirkit/internal/systems/session"
)

// RootVariable names the file tree of an old system to run in. It serves the
// platforms whose dynamic linker it has.
const RootVariable = "AVIR_FLOOR_ROOT"

// place is where the harness runs: a file tree, or this machine itself if the
// tree has no folder.
type place struct {
	tree      rootfs.Root
	folder    string // for the harness, as the programs there see it
	what, why string
}

// command returns a command that runs in the place.
func (p place) command(name string, args ...string) run.Command {
	if p.tree.Dir == "" {
		return run.Command{Name: name, Args: args}
	}
	return p.tree.Command(name, args...)
}

// oldest picks the oldest system at hand: the one that the user names, or the
// oldest release that Debian's mirrors still serve.
func oldest(ctx context.Context, root string, p *platform.Platform, s *session.Session) (place, error) {
	named := os.Getenv(RootVariable)
	if named != "" && os.Geteuid() == 0 && !(rootfs.Root{Dir: named}).Runs(p) {
		run.Printf("%s: %s has no %s, so another system is taken", p.Name, named, p.Loader)
		named = ""
	}
	if os.Geteuid() != 0 {
		return thisMachine(ctx, p, s, "as only root can change to another system's root")
	}
	d := rootfs.Debian{Number: "11", Codename: "bullseye", Arch: p.Deb}
	here := place{tree: rootfs.Root{Dir: s.Path(p.Name)}, folder: "/srv", what: d.Name(), why: "the oldest release that Debian's mirrors serve"}
	if named != "" {
		here.what, here.why = named, "as "+RootVariable+" asks"
	}
	err := run.Step(ctx, "system "+here.what, nil, func(ctx context.Context) (detail string, err error) {
		if named != "" { // a copy, so that nothing of ours stays in the original
			_, err = run.Command{Name: "cp", Args: []string{"-a", named, here.tree.Dir}}.Run(ctx)
		} else {
			_, err = d.Unpack(ctx, root, here.tree.Dir, func(what string) { detail = what })
		}
		return detail, errors.Join(err, os.MkdirAll(here.tree.Path("proc"), 0o755))
	})
	if ctx.Err() != nil {
		return place{}, context.Cause(ctx)
	}
	if err == nil {
		_, err = here.tree.Run(ctx, "true")
	}
	if err != nil && named != "" {
		return place{}, fmt.Errorf("%s can't be used as %s: %w", named, RootVariable, err)
	}
	if err != nil {
		run.Printf("%v", err)
		return thisMachine(ctx, p, s, "as there is no older system here; "+RootVariable+" may name the files of one")
	}
	return here, nil
}

func thisMachine(ctx context.Context, p *platform.Platform, s *session.Session, why string) (place, error) {
	here := place{folder: s.Path("harness"), what: "this machine", why: why}
	if err := hostdeps.Need(ctx, p.RunPackages...); err != nil && !(rootfs.Root{Dir: "/"}).Runs(p) {
		return here, fmt.Errorf("programs for %s need its C library: %w", p.Words, err)
	}
	return here, nil
}

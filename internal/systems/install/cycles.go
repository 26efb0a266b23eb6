package install

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/packages"
)

// What only the first install prints, only an upgrade, and only an install
// beside a server of the other width.
const (
	firstSteps  = "In the administration console, "
	upgradeHint = "a running antivirus server keeps the old library until"
	widthHint   = "cannot load this"
)

// cycle runs the cycles that every package manager must pass.
func (k *kit) cycle(ctx context.Context, m manager, all []pkg, t *table) {
	tested := all
	if k.options.Quick {
		tested = all[:1]
	}
	for _, p := range tested {
		t.do(p.name, "install by name without the product, remove", k.from(ctx, m, p, nil, k.alone))
		t.do(p.name, "upgrade under a running host, reinstall, downgrade", k.from(ctx, m, p, p.of, k.withProduct))
		t.do(p.name, "failing script, closed stdin", k.from(ctx, m, p, nil, k.mishaps))
		t.do(p.name, "the product comes after the package", func() error { return k.productLater(ctx, m, p) })
		t.do(p.name, "the administrator's own plugin of this name", k.from(ctx, m, p, p.of, k.ownOriginal))
	}
	t.do(packages.ToolsName, "avirctl scans with a plugin, and goes", k.from(ctx, m, all[0], all[0].of, k.avirctl))
	t.do("all", "beside each other, removed one by one", func() error { return k.allTogether(ctx, m, all) })
}

// from returns a function that runs a cycle of p. With a server, a platform, it
// first makes the products' trees and puts a server of that platform into p's
// product. The cycle gets a snapshot that was taken right before it.
func (k *kit) from(ctx context.Context, m manager, p pkg, server *platform.Platform,
	cycle func(ctx context.Context, m manager, p pkg, before snapshot) error,
) func() error {
	return func() (err error) {
		if server != nil {
			if err := k.makeProducts(ctx, m.tree(), p, server); err != nil {
				return err
			}
			defer func() { err = errors.Join(err, m.tree().RemoveProducts()) }()
		}
		before, err := take(m.tree().Dir)
		if err != nil {
			return err
		}
		return cycle(ctx, m, p, before)
	}
}

// alone installs p by name where the product isn't. It must work there, and
// leave the system as it was.
func (k *kit) alone(ctx context.Context, m manager, p pkg, before snapshot) error {
	out, err := m.fetch(ctx, p)
	if err == nil {
		err = prints(out, firstSteps)
	}
	if err != nil {
		return err
	}
	if err := k.works(ctx, m, p, k.current); err != nil {
		return err
	}
	paths, err := ours(ctx, m, p)
	if err != nil {
		return err
	}
	paths = append(paths, p.product.Directories()...)
	paths = append(paths, "/var/lib/avirkit", "/var/lib/avirkit/"+p.name+".dirs")
	if err := unchanged(m.tree().Dir, before, paths...); err != nil {
		return fmt.Errorf("after the install: %w", err)
	}
	// Another version must not forget which directories were made.
	if err := m.downgrade(ctx, k.old, p); err != nil {
		return err
	}
	if _, err := m.install(ctx, k.current, p); err != nil {
		return err
	}
	if err := unchanged(m.tree().Dir, before, paths...); err != nil {
		return fmt.Errorf("after a downgrade and an upgrade: %w", err)
	}
	return k.checkRemoval(ctx, m, p, before)
}

// works checks that p is there in from's version, unharmed, and that a host
// finds EICAR with it.
func (k *kit) works(ctx context.Context, m manager, p pkg, from release) error {
	return errors.Join(p.installed(m.tree(), from), m.verify(ctx, p), k.scan(ctx, m.tree(), p))
}

// prints checks that an output has the wanted ones of the three texts above, and
// not the others.
func prints(out string, want ...string) error {
	for _, text := range []string{firstSteps, upgradeHint, widthHint} {
		if printed := strings.Contains(out, text); printed != slices.Contains(want, text) {
			return fmt.Errorf("%q is printed: %v, but it should only for what it tells of:\n%s", text, printed, out)
		}
	}
	return nil
}

// checkRemoval removes and purges p, after which the system must be as before.
func (k *kit) checkRemoval(ctx context.Context, m manager, p pkg, before snapshot) error {
	if err := m.remove(ctx, p); err != nil {
		return err
	}
	if err := unchanged(m.tree().Dir, before); err != nil {
		return fmt.Errorf("after the removal: %w", err)
	}
	if err := m.purge(ctx, p); err != nil {
		return err
	}
	if err := unchanged(m.tree().Dir, before); err != nil {
		return fmt.Errorf("after the purge: %w", err)
	}
	return nil
}

// withProduct installs an old version into the products' trees, upgrades it
// while a host runs, reinstalls, downgrades, upgrades it again and removes it.
func (k *kit) withProduct(ctx context.Context, m manager, p pkg, before snapshot) error {
	if _, err := m.calls(); err != nil { // discard earlier script calls
		return err
	}
	out, err := m.install(ctx, k.old, p)
	if err != nil {
		return err
	}
	if err := errors.Join(prints(out, firstSteps), called(m, nil, k.old.version), k.works(ctx, m, p, k.old)); err != nil {
		return fmt.Errorf("after the first install: %w", err)
	}
	if err := k.upgradeUnderHost(ctx, m, p); err != nil {
		return err
	}
	paths, err := ours(ctx, m, p)
	if err != nil {
		return err
	}
	if err := k.inTurn(ctx, m, p, func() error { return unchanged(m.tree().Dir, before, paths...) },
		step{"upgrade by name", func() error { return nil }, k.current},
		step{"reinstall", func() error { _, err := m.reinstall(ctx, p); return err }, k.current},
		step{"downgrade", func() error { return m.downgrade(ctx, k.old, p) }, k.old},
		step{"upgrade by file", func() error { return k.tracedUpgrade(ctx, m, p) }, k.current},
	); err != nil {
		return err
	}
	return k.checkRemoval(ctx, m, p, before)
}

// step is what is done with a package, and the release that is there then.
type step struct {
	name string
	do   func() error
	want release
}

// inTurn takes steps. After each p must work, and check find nothing wrong.
func (k *kit) inTurn(ctx context.Context, m manager, p pkg, check func() error, steps ...step) error {
	for _, s := range steps {
		err := s.do()
		if err == nil {
			err = errors.Join(k.works(ctx, m, p, s.want), check())
		}
		if err != nil {
			return fmt.Errorf("after the %s: %w", s.name, err)
		}
	}
	return nil
}

// upgradeUnderHost upgrades by name while a host has the old library loaded.
func (k *kit) upgradeUnderHost(ctx context.Context, m manager, p pkg) error {
	host, err := k.startHost(ctx, m.tree(), p)
	if err != nil {
		return err
	}
	out, err := m.fetch(ctx, p)
	if err == nil {
		err = prints(out, upgradeHint)
	}
	if err != nil {
		host.kill()
		return err
	}
	return host.finish(p)
}

func (k *kit) tracedUpgrade(ctx context.Context, m manager, p pkg) error {
	if _, err := m.calls(); err != nil { // discard earlier script calls
		return err
	}
	if _, err := m.install(ctx, k.current, p); err != nil {
		return err
	}
	return called(m, &k.old.version, k.current.version)
}

// allTogether installs all packages at once, without the product. Removing
// one must not harm the others, and the last one must take the folders along.
func (k *kit) allTogether(ctx context.Context, m manager, all []pkg) error {
	before, err := take(m.tree().Dir)
	if err != nil {
		return err
	}
	if _, err := m.install(ctx, k.current, all...); err != nil {
		return err
	}
	for i, p := range all {
		remaining := all[i:]
		if k.options.Quick && i > 0 {
			remaining = all[len(all)-1:]
		}
		for _, left := range remaining {
			if err := k.works(ctx, m, left, k.current); err != nil {
				return fmt.Errorf("%s, after %d of %d are gone: %w", left.name, i, len(all), err)
			}
		}
		if err := errors.Join(m.remove(ctx, p), m.purge(ctx, p)); err != nil {
			return err
		}
	}
	return unchanged(m.tree().Dir, before)
}

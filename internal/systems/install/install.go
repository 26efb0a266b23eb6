// Package install installs the packages on real systems and uses them as
// an administrator and the product would: i386 and amd64 chroots of Debian
// with apt and dpkg, and an install root with rpm and dnf.
//
// Each package must show, on every system:
//
//  1. its file name, name, version and architecture agree with its metadata;
//  2. gzip only, and nothing in the metadata that dpkg 1.15 or rpm 4.8 can't read;
//  3. exactly its files, with their modes, owners and digests, and a
//     dependency for each need of its library;
//  4. lintian and rpmlint say nothing but what the allow-lists explain;
//  5. its signature is good, and bad after one flipped byte;
//  6. it installs without the product, and into the product's tree without
//     changing an owner or a mode there;
//  7. a host of its width loads the installed library and finds EICAR with it;
//  8. on upgrade a running host keeps its library, the new one is in place,
//     and the scripts saw the right arguments;
//  9. reinstall, downgrade, a failing script and closed standard input end well;
//  10. dpkg --verify and rpm -V find nothing;
//  11. remove and purge leave nothing of ours and all of the product's;
//  12. all packages install beside each other;
//  13. a plugin that was there before comes back unchanged, and the product
//     keeps what it brings later;
//  14. a server of the other width is told of, and the command that is printed
//     then installs the right package;
//  15. apt and dnf install it from the repositories by name, and refuse a
//     wrong key and a tampered index or package;
//  16. avirctl of the tools' package scans with a plugin, and leaves nothing
//     behind when it is removed;
//  17. a client that takes the new key in time goes on when the old one is gone,
//     a client of stable sees no beta, and unattended-upgrades takes what is in
//     its channel.
package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/systems/session"
)

// Options says what to test, and where.
type Options struct {
	Root    string           // the checkout
	Dist    string           // folder that holds avir_*.so and avserver for each platform
	Version packages.Version // of the packages to test
	Systems []string         // names as AllSystems returns them; empty: all
	Quick   bool             // one package instead of four in each chroot
	Strict  bool             // a system that the mirror does not have today is a failure
}

// system is a place to install packages in.
type system struct {
	name string
	test func(ctx context.Context, k *kit, t *table) error
}

func systems() []system {
	list := []system{{"this machine", testFiles}}
	for _, d := range distributions {
		list = append(list, system{d.Name(), func(ctx context.Context, k *kit, t *table) error {
			return testDebian(ctx, d, k, t)
		}})
	}
	for _, d := range distributions {
		if d.Arch == "amd64" {
			list = append(list, system{d.Name() + ", keys and channels", func(ctx context.Context, k *kit, t *table) error {
				return testAptRotation(ctx, d, k, t)
			}})
		}
	}
	of := platform.Native()
	list = append(list, system{"dnf " + of.RPM + ", keys and channels", func(ctx context.Context, k *kit, t *table) error {
		return testDNFRotation(ctx, k, of, t)
	}})
	list = append(list, system{bothWidths.Name(), testBothWidths})
	for _, of := range platform.All {
		list = append(list,
			system{"rpm " + of.RPM, func(ctx context.Context, k *kit, t *table) error { return testRPM(ctx, k, of, t) }},
			system{"dnf " + of.RPM, func(ctx context.Context, k *kit, t *table) error { return testDNF(ctx, k, of, t) }})
	}
	return list
}

// AllSystems returns the names of the systems that Run knows.
func AllSystems() []string {
	var names []string
	for _, s := range systems() {
		names = append(names, s.name)
	}
	return names
}

// NeedRoot says what Run needs if this is another user.
func NeedRoot() error {
	if os.Geteuid() != 0 {
		return errors.New("the package tests need root, for chroots with device nodes and other owners: run them with sudo")
	}
	return nil
}

// Run tests the packages on every system, prints a table of what was done,
// and fails if any of it failed. It returns the systems that are not to be had
// today. It needs root, for chroots and device nodes.
func Run(ctx context.Context, o Options) (untested []string, err error) {
	if err := NeedRoot(); err != nil {
		return nil, err
	}
	if err := hostdeps.Need(ctx, hostdeps.For("test:packages")...); err != nil {
		return nil, err
	}
	selected, err := pick(o.Systems)
	if err != nil {
		return nil, err
	}
	s, err := session.Begin(ctx, session.Options{Cache: filepath.Join(o.Root, ".cache", "packagetest")})
	if err != nil {
		return nil, err
	}
	k, err := newKit(ctx, o, s)
	if err == nil {
		untested, err = k.test(ctx, selected)
		k.close()
	}
	return untested, errors.Join(err, s.End())
}

func (k *kit) test(ctx context.Context, selected []system) (untested []string, err error) {
	t := &table{strict: k.options.Strict}
	for _, s := range selected {
		t.system = s.name
		start := time.Now()
		err := run.Step(ctx, "packages on "+s.name, t.last, func(ctx context.Context) (string, error) {
			return "", s.test(ctx, k, t)
		})
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			t.add("", "set up", start, err)
		}
	}
	t.print()
	return t.untested(), t.failure()
}

func pick(names []string) (picked []system, err error) {
	all := systems()
	if len(names) == 0 {
		return all, nil
	}
	for _, name := range names {
		i := slices.IndexFunc(all, func(s system) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no system is called %q: there are %q", name, AllSystems())
		}
		picked = append(picked, all[i])
	}
	return picked, nil
}

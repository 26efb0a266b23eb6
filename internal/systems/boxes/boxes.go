// Package boxes makes boxes for Vagrant's libvirt provider from Debian's
// packages, for machines whose own box can't be had.
package boxes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/systems/rootfs"
	"github.com/avirkit/avirkit/internal/systems/session"
	"github.com/avirkit/avirkit/internal/systems/settings"
)

// box is a box that can be made.
type box struct {
	rootfs.Debian
	machines []string // that it is for
	standsIn bool     // it is not the system that its machines are named after
}

// packages are what every box holds beside the minimal system. rpm is there for
// the machines that stand in for CentOS.
var packages = []string{"openssh-server", "sudo", "busybox-static", "iproute2", "procps", "initramfs-tools"}

// all are the boxes, one for each system. Debian 11 is the oldest release that
// Debian's mirrors still serve. The 64-bit systems have the C library for
// 32-bit programs, too.
var all = []box{
	{Debian: system("11", "bullseye", "i386", "linux-image-686", "rpm"), machines: []string{"debian6", "centos6"}, standsIn: true},
	{Debian: system("11", "bullseye", "amd64", "linux-image-amd64", "rpm", "libc6-i386"), machines: []string{"centos6x64"}, standsIn: true},
	{Debian: system("12", "bookworm", "i386", "linux-image-686"), machines: []string{"debian12"}},
	{Debian: system("12", "bookworm", "amd64", "linux-image-amd64", "libc6-i386"), machines: []string{"debian12x64"}},
}

func system(number, codename, arch string, more ...string) rootfs.Debian {
	return rootfs.Debian{Number: number, Codename: codename, Arch: arch, Include: slices.Concat(packages, more)}
}

// path is where the box lies when it is made.
func (b *box) path(root string) string {
	return filepath.Join(settings.Cache(root), "boxes", "debian"+b.Number+"-"+b.Arch+".box")
}

func boxFor(machine string) *box {
	for i := range all {
		if slices.Contains(all[i].machines, machine) {
			return &all[i]
		}
	}
	return nil
}

// Checkout makes boxes in the cache of a checkout. It is a settings.Boxes.
type Checkout struct{ Root string }

// For returns the box for a machine, nil if there is none.
func (c Checkout) For(machine string) *settings.Box {
	b := boxFor(machine)
	if b == nil {
		return nil
	}
	return &settings.Box{Path: b.path(c.Root), System: b.Name(), StandsIn: b.standsIn}
}

// MakeAll makes all boxes and tells what they are for.
func (c Checkout) MakeAll(ctx context.Context) error {
	var machines []string
	for _, b := range all {
		machines = append(machines, b.machines...)
	}
	if err := c.Make(ctx, machines...); err != nil {
		return err
	}
	for _, machine := range machines {
		run.Printf("%s: %s for machine %s", c.For(machine).Path, c.For(machine).System, machine)
	}
	run.Printf("Where a box stands in for another system, it shows that packages, harness and plugins work from end to end. It proves nothing of the system that it stands in for.")
	return nil
}

// Make makes the machines' boxes that are not up to date.
func (c Checkout) Make(ctx context.Context, machines ...string) error {
	digest, err := inputs(filepath.Join(c.Root, "vagrant", "box"))
	if err != nil {
		return err
	}
	var wanted []*box
	for _, machine := range machines {
		if b := boxFor(machine); b != nil && !slices.Contains(wanted, b) && !b.current(c.Root, digest) {
			wanted = append(wanted, b)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	if err := hostdeps.Need(ctx, hostdeps.For("vm:box")...); err != nil {
		return fmt.Errorf("making boxes: %w", err)
	}
	s, err := session.Begin(ctx, session.Options{Cache: settings.Cache(c.Root)})
	if err != nil {
		return err
	}
	each, ctx := errgroup.WithContext(ctx)
	for _, b := range wanted {
		each.Go(func() error {
			m := maker{box: b, root: c.Root, dir: s.Path(b.Codename + "-" + b.Arch)}
			return run.Step(ctx, "box of "+b.Name(), m.progress, func(ctx context.Context) (string, error) {
				if err := m.make(ctx); err != nil {
					return "", err
				}
				return b.path(c.Root), atomicdir.WriteFile(b.path(c.Root)+".inputs", []byte(digest), 0o644)
			})
		})
	}
	err = each.Wait()
	if ending := s.End(); err == nil {
		err = ending
	}
	return err
}

// current says whether the box was made from what it would be made from now.
func (b *box) current(root, digest string) bool {
	made, err := os.ReadFile(b.path(root) + ".inputs")
	_, missing := os.Stat(b.path(root))
	if err != nil || missing != nil || string(made) != digest {
		return false
	}
	run.Printf("up to date: %s", b.path(root))
	return true
}

// recipe is raised when this package puts something else into a box from the
// same parts.
const recipe = 2

// inputs is a digest of all that decides what the boxes are like, but for what
// the mirror has.
func inputs(data string) (string, error) {
	stub, err := rootfs.StubRPM(platform.All...)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintln(h, all, files, metadata, len(stub), recipe)
	err = fs.WalkDir(os.DirFS(data), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(data, name))
		fmt.Fprintf(h, "%s %d\n%s", name, len(text), text)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read the parts of the boxes: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

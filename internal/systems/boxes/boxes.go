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

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/systems/rootfs"
	"github.com/avirkit/avirkit/internal/systems/session"
)

// Box is a box that Make makes.
type Box struct {
	rootfs.Debian
	Machines []string // that it is for
	StandsIn bool     // it is not the system that its machines are named after
}

// packages are what every box holds beside the minimal system. rpm is there for
// the machines that stand in for CentOS.
var packages = []string{"openssh-server", "sudo", "busybox-static", "iproute2", "procps", "initramfs-tools"}

// all are the boxes, one for each system. Debian 11 is the oldest release that
// Debian's mirrors still serve. The 64-bit systems have the C library for
// 32-bit programs, too.
var all = []Box{
	{Debian: system("11", "bullseye", "i386", "linux-image-686", "rpm"), Machines: []string{"debian6", "centos6"}, StandsIn: true},
	{Debian: system("11", "bullseye", "amd64", "linux-image-amd64", "rpm", "libc6-i386"), Machines: []string{"centos6x64"}, StandsIn: true},
	{Debian: system("12", "bookworm", "i386", "linux-image-686"), Machines: []string{"debian12"}},
	{Debian: system("12", "bookworm", "amd64", "linux-image-amd64", "libc6-i386"), Machines: []string{"debian12x64"}},
}

func system(number, codename, arch string, more ...string) rootfs.Debian {
	return rootfs.Debian{Number: number, Codename: codename, Arch: arch, Include: slices.Concat(packages, more)}
}

// For returns the box for a machine, nil if there is none.
func For(machine string) *Box {
	for i := range all {
		if slices.Contains(all[i].Machines, machine) {
			return &all[i]
		}
	}
	return nil
}

// Cache is the folder of the boxes and of the runs in a checkout.
func Cache(root string) string { return filepath.Join(root, ".cache", "vm") }

// Path is where the box lies when it is made.
func (b *Box) Path(root string) string {
	return filepath.Join(Cache(root), "boxes", "debian"+b.Number+"-"+b.Arch+".box")
}

// Exists says whether the box is made.
func (b *Box) Exists(root string) bool {
	_, err := os.Stat(b.Path(root))
	return err == nil
}

// tools are the Debian packages that making boxes needs beside rootfs.Tools.
var tools = append([]string{"qemu-utils", "e2fsprogs"}, rootfs.Tools...)

// MakeAll makes all boxes and tells what they are for.
func MakeAll(ctx context.Context, root string) error {
	var wanted []*Box
	for i := range all {
		wanted = append(wanted, &all[i])
	}
	if err := Make(ctx, root, wanted...); err != nil {
		return err
	}
	for _, b := range wanted {
		for _, machine := range b.Machines {
			run.Printf("%s: %s for machine %s", b.Path(root), b.Name(), machine)
		}
	}
	run.Printf("Where a box stands in for another system, it shows that packages, harness and plugins work from end to end. It proves nothing of the system that it stands in for.")
	return nil
}

// Make makes those of the boxes that are not up to date.
func Make(ctx context.Context, root string, wanted ...*Box) error {
	if len(wanted) == 0 {
		return nil
	}
	digest, err := inputs(filepath.Join(root, "vagrant", "box"))
	if err != nil {
		return err
	}
	wanted = slices.DeleteFunc(slices.Clone(wanted), func(b *Box) bool {
		made, err := os.ReadFile(b.Path(root) + ".inputs")
		current := err == nil && string(made) == digest && b.Exists(root)
		if current {
			run.Printf("up to date: %s", b.Path(root))
		}
		return current
	})
	if len(wanted) == 0 {
		return nil
	}
	if err := hostdeps.Need(ctx, tools...); err != nil {
		return fmt.Errorf("making boxes: %w", err)
	}
	s, err := session.Begin(ctx, session.Options{Cache: Cache(root)})
	if err != nil {
		return err
	}
	var each []func(context.Context) error
	for _, b := range wanted {
		each = append(each, func(ctx context.Context) error {
			m := maker{Box: b, root: root, dir: s.Path(b.Codename + "-" + b.Arch)}
			return run.Step(ctx, "box of "+b.Name(), m.progress, func(ctx context.Context) (string, error) {
				if err := m.make(ctx); err != nil {
					return "", err
				}
				return b.Path(root), atomicdir.WriteFile(b.Path(root)+".inputs", []byte(digest), 0o644)
			})
		})
	}
	err = run.Parallel(ctx, each...)
	if ending := s.End(); err == nil {
		err = ending
	}
	return err
}

// inputs is a digest of all that decides what the boxes are like, but for what
// the mirror has.
func inputs(data string) (string, error) {
	stub, err := rootfs.StubRPM(platform.All...)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintln(h, all, files, texts, modules, metadata, len(stub))
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

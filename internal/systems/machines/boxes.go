package machines

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/versions"
)

// boxSpec is a box that Boxes makes.
type boxSpec struct {
	name string
	release
	rpm      bool   // with rpm beside dpkg
	standsIn string // machine that it stands in for; empty for debian12, whose own box it is
}

// boxSpecs are one box for each machine.
var boxSpecs = []boxSpec{
	{name: "debian11-i386", release: releases[0], standsIn: "debian6"},
	{name: "debian11-rpm-i386", release: releases[0], rpm: true, standsIn: "centos6"},
	{name: "debian12-i386", release: releases[1]},
}

func (s boxSpec) machine() string {
	if s.standsIn == "" {
		return "debian12"
	}
	return s.standsIn
}

func (s boxSpec) what() string {
	if s.rpm {
		return s.system() + " with rpm"
	}
	return s.system()
}

// boxTools are the Debian packages that making boxes needs.
var boxTools = []string{"debootstrap", "debian-archive-keyring", "qemu-utils", "e2fsprogs", "util-linux", "dpkg"}

// boxSpace is what making all boxes takes on disk, in bytes.
const boxSpace = 3 << 30

// maker makes boxes.
type maker struct {
	data   string // vagrant/box
	cache  string // .cache/vm
	mirror string
	run    *session
}

func cacheDir(root string) string            { return filepath.Join(root, ".cache", "vm") }
func boxPath(cache string, s boxSpec) string { return filepath.Join(cache, "boxes", s.name+".box") }

// Boxes makes the boxes that stand in for those of Vagrant's catalogue. Boxes
// that are up to date stay as they are.
func Boxes(ctx context.Context, o Options) error {
	ctx, stop := watchCallers(ctx)
	defer stop()
	cache := cacheDir(o.Root)
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return fmt.Errorf("make the cache of the boxes: %w", err)
	}
	unlock, err := lock(cache)
	if err != nil {
		return err
	}
	defer unlock()
	if err := sweep(ctx, cache); err != nil {
		return err
	}
	if err := makeBoxes(ctx, o, boxSpecs); err != nil {
		return err
	}
	for _, s := range boxSpecs {
		what := s.what()
		if s.standsIn != "" {
			what += ", stands in for " + s.standsIn
		}
		run.Printf("%s: %s", boxPath(cache, s), what)
	}
	run.Printf("A stand-in shows that packages, harness and plugins work from end to end. It proves nothing of the system that it stands in for.")
	return nil
}

// makeBoxes makes those of the boxes that are not up to date. The caller
// holds the lock.
func makeBoxes(ctx context.Context, o Options, specs []boxSpec) error {
	if os.Geteuid() != 0 {
		return errors.New("making boxes needs root, for debootstrap's chroots: run it as root, or in a container as its root")
	}
	if err := hostdeps.Need(ctx, boxTools...); err != nil {
		return fmt.Errorf("making boxes: %w", err)
	}
	m := &maker{data: filepath.Join(o.Root, "vagrant", "box"), cache: cacheDir(o.Root)}
	inputs, err := m.inputs()
	if err != nil {
		return err
	}
	wanted := map[release][]boxSpec{}
	for _, s := range specs {
		path := boxPath(m.cache, s)
		if made, err := os.ReadFile(path + ".inputs"); err == nil && string(made) == inputs && exists(path) {
			run.Printf("up to date: %s", path)
			continue
		}
		wanted[s.release] = append(wanted[s.release], s)
	}
	if len(wanted) == 0 {
		return nil
	}
	for _, dir := range []string{"boxes", "roots"} {
		if err := os.MkdirAll(filepath.Join(m.cache, dir), 0o755); err != nil {
			return fmt.Errorf("make the folder of the boxes: %w", err)
		}
	}
	if err := needSpace(m.cache, boxSpace); err != nil {
		return err
	}
	// Once for all releases: it may have to fetch apt's lists.
	if m.mirror, err = hostdeps.Mirror(ctx); err != nil {
		return err
	}
	if m.run, err = begin(ctx, m.cache, plain, ""); err != nil {
		return err
	}
	var each []func(context.Context) error
	for r, specs := range wanted {
		each = append(each, func(ctx context.Context) error { return m.release(ctx, r, specs, inputs) })
	}
	err = run.Parallel(ctx, each...)
	return errors.Join(err, m.run.end(false))
}

// oldestRoot is where the oldest release's system stays, for Floor's chroot.
func oldestRoot(cache string) string {
	return filepath.Join(cache, "roots", "debian"+releases[0].number)
}

// inputs is a digest of all that decides what the boxes are like, but for
// what the mirror has.
func (m *maker) inputs() (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, boxSpecs, boxPackages, machineModules, boxMetadata, smaller, versions.KernelFloor)
	entries, err := os.ReadDir(m.data)
	if err != nil {
		return "", fmt.Errorf("read the parts of the boxes: %w", err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(m.data, e.Name()))
		if err != nil {
			return "", fmt.Errorf("read the parts of the boxes: %w", err)
		}
		fmt.Fprintln(h, e.Name(), len(data))
		h.Write(data)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

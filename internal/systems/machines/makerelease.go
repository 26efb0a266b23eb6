package machines

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/avirkit/avirkit/internal/run"
)

// release makes the boxes of one release.
func (m *maker) release(ctx context.Context, r release, specs []boxSpec, inputs string) error {
	base := tree{m.run.path(r.codename), m.run}
	var last lastLine
	err := run.Step(ctx, "debootstrap "+r.system(), last.String, func(ctx context.Context) (string, error) {
		return "", base.bootstrap(ctx, r, m.mirror, &last)
	})
	if err != nil {
		return err
	}
	var k *kernel
	ramdisk := m.run.path(r.codename + ".initrd")
	err = run.Step(ctx, "kernel of "+r.system(), nil, func(ctx context.Context) (string, error) {
		if k, err = m.kernel(ctx, base, r, ramdisk); err != nil {
			return "", err
		}
		return k.release, nil
	})
	if err != nil {
		return err
	}
	// The plain box comes last: it consumes the base.
	slices.SortFunc(specs, func(a, b boxSpec) int { return len(b.name) - len(a.name) })
	for _, s := range specs {
		path := boxPath(m.cache, s)
		err := run.Step(ctx, "box "+s.name, nil, func(ctx context.Context) (string, error) {
			t := base
			if s.rpm {
				t = tree{base.dir + "-rpm", m.run}
				if err := m.addRPM(ctx, base, t); err != nil {
					return "", err
				}
			}
			if err := errors.Join(m.furnish(ctx, t, s), t.tidy()); err != nil {
				return "", err
			}
			if err := m.pack(ctx, t, k, ramdisk, path); err != nil {
				return "", err
			}
			return s.what(), os.WriteFile(path+".inputs", []byte(inputs), 0o644)
		})
		if err != nil {
			return err
		}
	}
	if r != releases[0] {
		return nil
	}
	if err := errors.Join(base.tidy(), os.RemoveAll(oldestRoot(m.cache))); err != nil {
		return err
	}
	return os.Rename(base.dir, oldestRoot(m.cache))
}

// kernel fetches the release's newest kernel and makes its RAM disk. The
// package is only unpacked: its scripts would make a RAM disk of another
// kind, with ten times the modules.
func (m *maker) kernel(ctx context.Context, t tree, r release, ramdisk string) (*kernel, error) {
	if err := t.fetch(ctx, r.kernel); err != nil {
		return nil, err
	}
	deb, err := t.archive("linux-image-[0-9]*.*-686_*.deb")
	if err != nil {
		return nil, err
	}
	dir := m.run.path(r.codename + ".kernel")
	if _, err := m.run.command("dpkg-deb", "-x", deb, dir).Run(ctx); err != nil {
		return nil, err
	}
	k, err := findKernel(dir)
	if err != nil {
		return nil, err
	}
	modules, err := k.closure(machineModules...)
	if err != nil {
		return nil, err
	}
	return k, initrd(ramdisk, t.path("bin/busybox"), filepath.Join(m.data, "init"), modules)
}

// Package packages builds the Debian and RPM packages of the plugins with
// nfpm, from the data in packaging/ and the libraries in dist/.
//
// They install on the systems of 2011 as on today's: gzip everywhere, nothing
// in the metadata that dpkg 1.15 or rpm 4.8 can't read, and a signature that
// rpm 4.8 can check.
package packages

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/packages/signing"
	"github.com/avirkit/avirkit/internal/run"
)

// Suite is the name of the apt repository's only suite.
const Suite = "stable"

// Options says what to build from what. FromEnvironment fills in all of it.
type Options struct {
	Data    string    // folder packaging/
	Dist    string    // folder that holds PLATFORM/avir_*.so
	Out     string    // folder for the packages; replaced as a whole
	Version Version   // of the packages
	Epoch   time.Time // the time of everything in them

	// Platforms are those that Dist holds plugins for; none: all.
	Platforms []*platform.Platform

	// PluginsOnly leaves out the packages of avirctl and of the keys.
	PluginsOnly bool

	// Signer signs the RPM packages; nil leaves them unsigned. Debian
	// packages carry no signature: apt checks the repository's.
	Signer *signing.Keys

	// Keyring holds the keys that clients shall trust; nil leaves out the
	// package that gives them to clients.
	Keyring *signing.Ring
}

// FromEnvironment returns the options for the checkout at root: its version,
// its commit's time, and the key that the environment names.
func FromEnvironment(ctx context.Context, root string) (Options, error) {
	o := Options{
		Data: filepath.Join(root, "packaging"),
		Dist: filepath.Join(root, "dist"),
		Out:  filepath.Join(root, "dist", "packages"),
	}
	var err error
	if o.Version, err = FindVersion(ctx, root); err != nil {
		return o, err
	}
	if o.Epoch, err = FindEpoch(ctx, root); err != nil {
		return o, err
	}
	_, elsewhere, err := Tagged(ctx, root, o.Version)
	if err != nil {
		return o, err
	}
	if elsewhere {
		run.Printf("  !! v%s is the tag of another commit: these packages are another build of a released version; raise VERSION", o.Version)
	}
	if o.Signer, err = signing.FromEnvironment(ctx, o.Epoch); err != nil {
		return o, err
	}
	o.Keyring, err = signing.RingFromEnvironment(o.Signer)
	return o, err
}

// Build builds every package into o.Out: for each plugin, product and platform
// a Debian and an RPM package, and those of the tools and of the keys. It leaves
// o.Out as it was when it fails.
func Build(ctx context.Context, o Options) error {
	if len(o.Platforms) == 0 {
		o.Platforms = platform.All
	}
	data, err := Load(o.Data)
	if err != nil {
		return err
	}
	history, err := LoadChangelog(o.Data)
	if err != nil {
		return err
	}
	stage, err := os.MkdirTemp("", "avirkit-packages-")
	if err != nil {
		return fmt.Errorf("make a folder for the packages' parts: %w", err)
	}
	defer os.RemoveAll(stage)

	var built int
	err = atomicdir.Replace(o.Out, func(tmp string) error {
		for _, product := range sorted(data.Products) {
			for _, plugin := range sorted(data.Plugins) {
				for _, of := range o.Platforms {
					r, err := newRecipe(o, data, product, plugin, of, history, stage)
					if err != nil {
						return err
					}
					n, err := r.build(ctx, tmp, r.deb, r.rpm)
					if err != nil {
						return err
					}
					built += n
				}
			}
		}
		for _, of := range platform.All {
			if o.PluginsOnly {
				break
			}
			t, err := newTools(o, data, of, history, stage)
			if err != nil {
				return err
			}
			n, err := t.build(ctx, tmp, t.deb, t.rpm)
			if err != nil {
				return err
			}
			built += n
		}
		if o.Keyring == nil || o.PluginsOnly {
			return nil
		}
		ring, err := newKeyring(o, data, history, stage)
		if err != nil {
			return err
		}
		n, err := ring.build(ctx, tmp, ring.deb, ring.rpm)
		built += n
		return err
	})
	if err != nil {
		return err
	}
	run.Printf("%d packages of version %s in %s; %s", built, o.Version, o.Out, signing.Describe(o.Signer.First()))
	return nil
}

// build builds the recipe's packages into dir and returns how many there are.
func (r *recipe) build(ctx context.Context, dir string, kinds ...func() (fileName string, content []byte, err error)) (int, error) {
	for _, kind := range kinds {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		name, content, err := kind()
		if err != nil {
			return 0, err
		}
		if err := atomicdir.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return 0, err
		}
		run.Printf("  ok %-52s %7.1f KiB", name, float64(len(content))/1024)
	}
	return len(kinds), nil
}

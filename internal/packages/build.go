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
	"maps"
	"os"
	"path/filepath"
	"slices"
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
	b := batch{opts: o}
	var err error
	if b.data, err = Load(o.Data); err != nil {
		return err
	}
	if b.history, err = LoadChangelog(o.Data); err != nil {
		return err
	}
	if b.stage, err = os.MkdirTemp("", "avirkit-packages-"); err != nil {
		return fmt.Errorf("make a folder for the packages' parts: %w", err)
	}
	defer os.RemoveAll(b.stage)
	built := 0
	err = atomicdir.Replace(o.Out, func(tmp string) error {
		for r, err := range b.recipes {
			if err != nil {
				return err
			}
			for _, format := range []func() (fileName string, content []byte, err error){r.deb, r.rpm} {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				name, content, err := format()
				if err != nil {
					return err
				}
				if err := atomicdir.WriteFile(filepath.Join(tmp, name), content, 0o644); err != nil {
					return err
				}
				run.Printf("  ok %-52s %7.1f KiB", name, float64(len(content))/1024)
				built++
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	run.Printf("%d packages of version %s in %s; %s", built, o.Version, o.Out, signing.Describe(o.Signer.First()))
	return nil
}

// recipes makes the recipes of all packages, one after the other.
func (b batch) recipes(yield func(*recipe, error) bool) {
	for _, product := range slices.Sorted(maps.Keys(b.data.Products)) {
		for _, plugin := range slices.Sorted(maps.Keys(b.data.Plugins)) {
			for _, of := range b.opts.Platforms {
				if !yield(b.plugin(product, plugin, of)) {
					return
				}
			}
		}
	}
	if b.opts.PluginsOnly {
		return
	}
	for _, of := range platform.All {
		if !yield(b.tools(of)) {
			return
		}
	}
	if b.opts.Keyring != nil {
		yield(b.keyring())
	}
}

//go:build mage

package main

import (
	"context"
	"strings"

	"github.com/magefile/mage/mg"

	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/targets"
)

func init() { run.EndBySignal() }

// Test holds the parts of the tests that also run by themselves.
type Test mg.Namespace

// Aliases are shorter names of targets.
var Aliases = map[string]any{"test": Test.All}

// Build makes the plugins and the harness in dist, for all platforms or for some (-platform=linux-386, repeatable); with -plugin=DIR, repeatable, the plugin in DIR into DIR/dist.
func Build(ctx context.Context, platform, plugin *string) error {
	if plugin != nil {
		return targets.BuildVendor(ctx, plugin, platform)
	}
	return targets.Build(ctx, platform)
}

// New writes the folder of a new plugin in go, c or c++, with tests and the data of its packages.
func New(ctx context.Context, name, lang, dir *string) error {
	return targets.New(ctx, name, lang, dir)
}

// All runs every test that fits into continuous integration; "mage test" does the same. With -plugin=DIR, repeatable, it tests the plugin in DIR.
func (Test) All(ctx context.Context, plugin *string) error {
	if plugin != nil {
		return targets.TestVendor(ctx, plugin)
	}
	return targets.Test(ctx)
}

// Full runs all tests at full length: the waiting test, the soak, every repetition.
func (Test) Full(ctx context.Context) error { return targets.TestFull(ctx) }

// Packages installs, upgrades and removes the packages on real systems, all of them with -strict; needs root.
func (Test) Packages(ctx context.Context, strict *bool) error {
	return targets.TestPackages(ctx, strict)
}

// Package makes the .deb and .rpm packages in dist/packages; with -plugin=DIR, repeatable, those of the plugin in DIR in DIR/dist/packages.
func Package(ctx context.Context, plugin *string) error {
	if plugin != nil {
		return targets.PackageVendor(ctx, plugin)
	}
	return targets.Package(ctx)
}

// Repo makes signed apt and yum repositories of the packages in dist/repo: a prerelease in the channel beta, others in stable, or as -channel says; -without=1.0.0,1.1.0 leaves published versions out.
func Repo(ctx context.Context, channel, without *string) error {
	return targets.Repo(ctx, channel, without)
}

// Promote makes the repositories in dist/repo of what is published, with the version of the channel beta that -version names in stable.
func Promote(ctx context.Context, version *string) error { return targets.Promote(ctx, version) }

// Vm runs the harness in virtual machines with Debian 6, CentOS 6 and Debian 12, or in those of a list.
func (Test) Vm(ctx context.Context, machine *string, keep *bool, real *bool) error {
	return targets.TestVM(ctx, machine, keep, real)
}

// Floor runs the harness under the kernel floor on the oldest system at hand, in seconds.
func (Test) Floor(ctx context.Context, platform *string) error {
	return targets.TestFloor(ctx, platform)
}

// Vm holds what prepares virtual machines.
type Vm mg.Namespace

// Box makes local boxes of Debian for places without Vagrant's box service.
func (Vm) Box(ctx context.Context) error { return targets.Boxes(ctx) }

// Bench measures avir_clam beside other clients of clamd, and the plugins' footprint.
func Bench(ctx context.Context, quick *bool) error { return targets.Bench(ctx, quick) }

// Release builds, compares, tests, packages and signs a release in dist/release, going on where an earlier run stopped; it uploads nothing.
func Release(ctx context.Context, strict *bool) error { return targets.Release(ctx, strict) }

// Verify checks the signatures and checksums of what is published in the folder -dir, and that these sources make the same bytes; -key is the file of the publisher's keys, or their fingerprints.
func Verify(ctx context.Context, dir, key *string) error { return targets.Verify(ctx, dir, key) }

// Audit checks whether the oldest supported systems can load the library FILE; with -plugin=DIR instead of FILE, repeatable, those of the plugin in DIR.
func Audit(ctx context.Context, file string, plugin *string) error {
	// Mage takes the first word for FILE, whatever it is.
	if first, found := strings.CutPrefix(strings.TrimLeft(file, "-"), "plugin="); found && file[0] == '-' {
		return targets.AuditVendor(ctx, &first)
	}
	return targets.Audit(ctx, file)
}

// Doctor tells what this machine has, what it lacks, and how to get it.
func Doctor(ctx context.Context) error { return targets.Doctor(ctx) }

// Lint checks formatting and runs vet and staticcheck in every module.
func Lint(ctx context.Context) error { return targets.Lint(ctx) }

// Clean removes dist and the project's own cache.
func Clean(ctx context.Context) error { return targets.Clean(ctx) }

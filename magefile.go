//go:build mage

package main

import (
	"context"

	"github.com/avirkit/avirkit/internal/targets"
	"github.com/magefile/mage/mg"
)

// Test holds the parts of the tests that also run by themselves.
type Test mg.Namespace

// Aliases are shorter names of targets.
var Aliases = map[string]any{"test": Test.All}

// Build makes the plugins and the harness in dist, with zig or gcc (AVIR_TOOLCHAIN=zig|gcc).
func Build(ctx context.Context) error { return targets.Build(ctx) }

// All runs every test that fits into continuous integration; "mage test" does the same.
func (Test) All(ctx context.Context) error { return targets.Test(ctx) }

// Full runs all tests at full length: the waiting test, the soak, every repetition.
func (Test) Full(ctx context.Context) error { return targets.TestFull(ctx) }

// Packages installs, upgrades and removes the packages on real systems; needs root.
func (Test) Packages(ctx context.Context) error { return targets.TestPackages(ctx) }

// Package makes the .deb and .rpm packages in dist/packages.
func Package(ctx context.Context) error { return targets.Package(ctx) }

// Repo makes signed apt and yum repositories of the packages in dist/repo.
func Repo(ctx context.Context) error { return targets.Repo(ctx) }

// Audit checks whether the oldest supported systems can load the library FILE.
func Audit(ctx context.Context, file string) error { return targets.Audit(ctx, file) }

// Doctor tells what this machine has, what it lacks, and how to get it.
func Doctor(ctx context.Context) error { return targets.Doctor(ctx) }

// Lint checks formatting and runs vet and staticcheck in every module.
func Lint(ctx context.Context) error { return targets.Lint(ctx) }

// Clean removes dist and the project's own cache.
func Clean(ctx context.Context) error { return targets.Clean(ctx) }

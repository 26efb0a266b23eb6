package targets

import (
	"context"

	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/packages/repo"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/systems/install"
)

// Package builds what is not up to date and makes the packages.
func Package(ctx context.Context) error {
	_, err := makePackages(ctx)
	return err
}

// Repo makes the packages and the repositories that hold them.
func Repo(ctx context.Context) error {
	p, err := makePackages(ctx)
	if err != nil {
		return err
	}
	o, err := repo.FromEnvironment(p)
	if err != nil {
		return err
	}
	if o.Placeholder() {
		run.Printf("the repository files name %s: set %s to where you publish them", o.URL, repo.URLVariable)
	}
	return repo.Build(ctx, o)
}

// TestPackages tests the packages of a fresh build on real systems. With strict,
// a system that the mirror does not have today is a failure.
func TestPackages(ctx context.Context, strict *bool) error {
	// Said before the build.
	if err := install.NeedRoot(); err != nil {
		return err
	}
	p, err := packageOptions(ctx)
	if err != nil {
		return err
	}
	root, err := run.Root()
	if err != nil {
		return err
	}
	_, err = install.Run(ctx, install.Options{Root: root, Dist: p.Dist, Version: p.Version, Strict: strict != nil && *strict})
	return err
}

// made are the packages that this run of mage has made: "mage package repo"
// makes them once.
var made *packages.Options

func makePackages(ctx context.Context) (packages.Options, error) {
	if made != nil {
		return *made, nil
	}
	o, err := packageOptions(ctx)
	if err != nil {
		return o, err
	}
	if err := packages.Build(ctx, o); err != nil {
		return o, err
	}
	made = &o
	return o, nil
}

// packageOptions returns the options that the environment sets, after a build.
func packageOptions(ctx context.Context) (packages.Options, error) {
	root, err := run.Root()
	if err != nil {
		return packages.Options{}, err
	}
	o, err := packages.FromEnvironment(ctx, root)
	if err != nil {
		return o, err
	}
	return o, Build(ctx)
}

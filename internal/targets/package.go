package targets

import (
	"context"
	"errors"
	"strings"

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

// Repo makes the packages and the repositories that hold them: in the channel
// for their version or in another one, without the published versions of a list.
func Repo(ctx context.Context, channel, without *string) error {
	versions, err := parseVersions(without)
	if err != nil {
		return err
	}
	var named repo.Channel
	if channel != nil {
		if named, err = repo.ParseChannel(*channel); err != nil {
			return err
		}
	}
	p, err := makePackages(ctx)
	if err != nil {
		return err
	}
	return publish(ctx, p, func(o *repo.Options) {
		o.Without = versions
		if named != "" {
			o.Channel = named
		}
	})
}

// Promote makes the repositories of what is published, with a version of the
// channel beta in stable. It builds no package: clients get the same bytes.
func Promote(ctx context.Context, version *string) error {
	if version == nil {
		return errors.New("name the version to promote: go tool mage promote -version=1.3.0")
	}
	v, err := packages.ParseVersion(*version)
	if err != nil {
		return err
	}
	return withRoot(func(root string) error {
		p, err := packages.FromEnvironment(ctx, root)
		if err != nil {
			return err
		}
		return publish(ctx, p, func(o *repo.Options) { o.Packages, o.Promote = "", v })
	})
}

// publish makes the repositories with the options of the environment, changed.
func publish(ctx context.Context, p packages.Options, change func(*repo.Options)) error {
	o, err := repo.FromEnvironment(p)
	if err != nil {
		return err
	}
	if o.Placeholder() {
		run.Printf("the repository files name %s: set %s to where you publish them", o.URL, repo.URLVariable)
	}
	change(&o)
	return repo.Build(ctx, o)
}

// parseVersions reads a list with commas between.
func parseVersions(list *string) (versions []packages.Version, err error) {
	if list == nil {
		return nil, nil
	}
	for name := range strings.SplitSeq(*list, ",") {
		v, err := packages.ParseVersion(name)
		if err != nil {
			return nil, err
		}
		versions = append(versions, v)
	}
	return versions, nil
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
	return o, buildFor(ctx, nil, true)
}

// Package release puts together all files of a release in one folder. It
// uploads nothing.
package release

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/packages/repo"
	"github.com/avirkit/avirkit/internal/packages/signing"
	"github.com/avirkit/avirkit/internal/run"
)

// Options says what to release.
type Options struct {
	Root     string // the checkout
	Out      string // folder of the release; replaced as a whole
	Packages packages.Options
	Repo     repo.Options

	// Test runs the tests of the project; the release stops if they fail.
	Test func(context.Context) error
}

// FromEnvironment returns the options for the checkout at root; Test remains
// to be set.
func FromEnvironment(ctx context.Context, root string) (Options, error) {
	o := Options{Root: root, Out: filepath.Join(root, "dist", "release")}
	var err error
	if o.Packages, err = packages.FromEnvironment(ctx, root); err != nil {
		return o, err
	}
	if o.Repo, err = repo.FromEnvironment(o.Packages); err != nil {
		return o, err
	}
	// Nothing that "mage repo" has left may get into a release.
	o.Repo.Out = filepath.Join(o.Packages.Dist, "release-repo")
	o.Repo.Published = os.Getenv(repo.PublishedVariable)
	o.Repo.Named = o.Repo.Published != ""
	return o, nil
}

// Run builds with both toolchains and compares what they made, tests,
// packages and signs, and puts the release into o.Out. Each build audits its
// libraries.
func Run(ctx context.Context, o Options) error {
	history, err := packages.LoadChangelog(o.Packages.Data)
	if err != nil {
		return err
	}
	entry := packages.EntryOf(history, o.Packages.Version)
	if entry == nil {
		return fmt.Errorf("%s/changelog.yml has no entry for version %s: write what it brings", o.Packages.Data, o.Packages.Version)
	}
	rehearsal, err := remark(ctx, o)
	if err != nil {
		return err
	}
	shipped, err := build.Run(ctx, build.Options{Root: o.Root, Toolchain: toolchain.Zig, Dist: o.Packages.Dist})
	if err != nil {
		return err
	}
	gccDist := filepath.Join(o.Root, ".cache", "release", toolchain.GCC)
	other, err := build.Run(ctx, build.Options{Root: o.Root, Toolchain: toolchain.GCC, Dist: gccDist})
	if err != nil {
		return err
	}
	if err := compare(ctx, side{shipped, o.Packages.Dist}, side{other, gccDist}); err != nil {
		return err
	}
	if o.Test == nil {
		return errors.New("a release must be tested: set Options.Test")
	}
	if err := o.Test(ctx); err != nil {
		return fmt.Errorf("the release is not made: %w", err)
	}
	if err := packages.Build(ctx, o.Packages); err != nil {
		return err
	}
	if err := repo.Build(ctx, o.Repo); err != nil {
		return err
	}
	if err := atomicdir.Replace(o.Out, func(tmp string) error {
		return assemble(ctx, o, *entry, rehearsal, shipped, tmp)
	}); err != nil {
		return err
	}
	return report(o)
}

// remark prints and returns what makes this a rehearsal instead of a release,
// and stops a second release of one version.
func remark(ctx context.Context, o Options) (reasons []string, err error) {
	status, err := packages.Git(ctx, o.Root, "status", "--porcelain", "--untracked-files=normal")
	if err != nil {
		return nil, err
	}
	if first, _, _ := strings.Cut(strings.TrimSpace(status), "\n"); first != "" {
		// A file that git does not know is compiled like the others.
		reasons = append(reasons, fmt.Sprintf("the checkout has changes or files that are not committed (%s)", first))
	}
	if o.Packages.Signer == nil {
		reasons = append(reasons, signing.Describe(nil))
	}
	version := "v" + o.Packages.Version.String()
	here, elsewhere, err := packages.Tagged(ctx, o.Root, o.Packages.Version)
	switch {
	case err != nil:
		return nil, err
	case elsewhere:
		return nil, fmt.Errorf("%s is the tag of another commit: a released version is not made again from this one; raise VERSION, or check out that tag", version)
	case !here:
		reasons = append(reasons, "the commit has no tag "+version)
	}
	if o.Repo.Placeholder() {
		reasons = append(reasons, fmt.Sprintf("the repository files name %s; set %s", o.Repo.URL, repo.URLVariable))
	}
	for _, reason := range reasons {
		run.Printf("  !! a rehearsal: %s", reason)
	}
	if o.Repo.Published == "" {
		run.Printf("  !! the repositories will hold this version only: set %s to the folder of those that are published", repo.PublishedVariable)
	}
	return reasons, nil
}

// report prints what lies in the release folder.
func report(o Options) error {
	files, err := os.ReadDir(o.Out)
	if err != nil {
		return fmt.Errorf("list the release: %w", err)
	}
	var b strings.Builder
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			return fmt.Errorf("list the release: %w", err)
		}
		fmt.Fprintf(&b, "\n  %-56s %9.1f KiB", f.Name(), float64(info.Size())/1024)
	}
	run.Printf("release %s in %s:%s", o.Packages.Version, o.Out, b.String())
	run.Printf("nothing was uploaded: publish these files, and %s as the repositories", o.Repo.Out)
	return nil
}

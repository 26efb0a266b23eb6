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
	Work     string // folder for what is not published: the other toolchain's build, and what was finished

	// Vulnerabilities is the URL of a database of vulnerabilities, empty for the
	// public one of Go.
	Vulnerabilities string

	// Tests are run one after the other; the release stops if one fails.
	Tests []Test
}

// Test is a part of the tests of the project.
type Test struct {
	Name string
	Run  func(context.Context) (remarks []string, err error) // remarks say what was not tested
}

// FromEnvironment returns the options for the checkout at root; Tests remain
// to be set.
func FromEnvironment(ctx context.Context, root string) (Options, error) {
	o := Options{Root: root, Out: filepath.Join(root, "dist", "release"), Work: filepath.Join(root, ".cache", "release")}
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
// libraries. Of what an earlier run for the same commit has finished, only the
// checks of published files and of today's facts are done again.
func Run(ctx context.Context, o Options) error {
	history, err := packages.LoadChangelog(o.Packages.Data)
	if err != nil {
		return err
	}
	history = packages.HistoryOf(history, o.Packages.Version)
	if history == nil {
		return fmt.Errorf("%s/changelog.yml has no entry for version %s: write what it brings", o.Packages.Data, o.Packages.Version)
	}
	if len(o.Tests) == 0 {
		return errors.New("a release must be tested: set Options.Tests")
	}
	unlock, err := run.LockFile(ctx, filepath.Join(o.Work, "lock"), "another release of this checkout")
	if err != nil {
		return err
	}
	defer unlock()
	rehearsal, err := remark(ctx, o)
	if err != nil {
		return err
	}
	s, err := o.steps(ctx)
	if err != nil {
		return err
	}
	shipped, err := build.Run(ctx, build.Options{Root: o.Root, Toolchain: toolchain.Zig, Dist: o.Packages.Dist})
	if err != nil {
		return err
	}
	gccDist := filepath.Join(o.Work, toolchain.GCC)
	other, err := build.Run(ctx, build.Options{Root: o.Root, Toolchain: toolchain.GCC, Dist: gccDist})
	if err != nil {
		return err
	}
	// A build says by itself that it is up to date; what it made is whole then.
	s.key = fmt.Sprintf("%s %v %v", s.key, shipped.Files, other.Files)
	if _, err := s.run(ctx, "comparison of both toolchains", nil, func(ctx context.Context) ([]string, error) {
		return nil, compare(ctx, side{shipped, o.Packages.Dist}, side{other, gccDist})
	}); err != nil {
		return err
	}
	var remarks []string
	for _, test := range o.Tests {
		more, err := s.run(ctx, test.Name, nil, test.Run)
		if err != nil {
			return fmt.Errorf("the release is not made: %w", err)
		}
		remarks = append(remarks, more...)
	}
	if _, err := s.run(ctx, "packages", []string{o.Packages.Out}, func(ctx context.Context) ([]string, error) {
		return nil, packages.Build(ctx, o.Packages)
	}); err != nil {
		return err
	}
	// Each time, because what is published may have changed.
	if err := repo.Build(ctx, o.Repo); err != nil {
		return err
	}
	if err := s.note(o.Repo.Out); err != nil {
		return err
	}
	// Each time, because more may be known today.
	var known []*vulnerability
	if err := run.Step(ctx, "known vulnerabilities", nil, func(ctx context.Context) (string, error) {
		found, more, err := vulnerabilities(ctx, o.Root, o.Vulnerabilities)
		known, remarks = found, append(remarks, more...)
		return fmt.Sprintf("%d concern this release of Go or a module; none of them stops the release", len(found)), err
	}); err != nil {
		return err
	}
	f := parts{manifest: shipped, entry: history[0], rehearsal: rehearsal, remarks: remarks}
	if f.vex, err = vex(o, known, strings.TrimPrefix(shipped.Go, "go")); err != nil {
		return err
	}
	s.key = fmt.Sprintf("%s %q %q %s", s.key, rehearsal, remarks, f.vex)
	if _, err := s.run(ctx, "files of the release", []string{o.Out}, func(ctx context.Context) ([]string, error) {
		return nil, atomicdir.Replace(o.Out, func(tmp string) error {
			return f.assemble(ctx, o, tmp)
		})
	}); err != nil {
		return err
	}
	if err := writePublish(o, rehearsal); err != nil {
		return err
	}
	return report(o, remarks)
}

// steps returns the steps of this release, of which those that an earlier run
// finished are known if nothing but the commit says what is released.
func (o Options) steps(ctx context.Context) (*steps, error) {
	first, err := changes(ctx, o.Root)
	if err != nil {
		return nil, err
	}
	if first != "" {
		return newSteps(""), nil
	}
	commit, err := packages.Git(ctx, o.Root, "rev-parse", "HEAD^{commit}", "HEAD^{tree}")
	if err != nil {
		return nil, fmt.Errorf("find the commit: %w", err)
	}
	keys := []byte(signing.Describe(o.Packages.Signer))
	if o.Packages.Signer != nil {
		binary, _, err := o.Packages.Signer.Public()
		if err != nil {
			return nil, err
		}
		keys = append(keys, binary...)
	}
	return newSteps(filepath.Join(o.Work, "finished.json"),
		commit, o.Packages.Version.String(), o.Packages.Epoch.String(), string(keys), o.Repo.URL), nil
}

// changes returns the first change or file of the checkout that is not
// committed. A file that git does not know is compiled like the others.
func changes(ctx context.Context, root string) (string, error) {
	status, err := packages.Git(ctx, root, "status", "--porcelain", "--untracked-files=normal")
	first, _, _ := strings.Cut(strings.TrimSpace(status), "\n")
	return first, err
}

// remark prints and returns what makes this a rehearsal instead of a release,
// and stops a second release of one version.
func remark(ctx context.Context, o Options) (reasons []string, err error) {
	first, err := changes(ctx, o.Root)
	if err != nil {
		return nil, err
	}
	if first != "" {
		reasons = append(reasons, fmt.Sprintf("the checkout has changes or files that are not committed (%s)", first))
		run.Printf("  !! of a checkout with changes, every step is done, whatever an earlier run has finished")
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

// report prints what lies in the release folder, and what was not tested.
func report(o Options, remarks []string) error {
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
	for _, remark := range remarks {
		run.Printf("  !! %s", remark)
	}
	run.Printf("nothing was uploaded: these files and the repositories in %s are published by\n  TARGET=user@host:/folder sh %s", o.Repo.Out, filepath.Join(filepath.Dir(o.Out), PublishName))
	return nil
}

// Package repo makes the apt and yum repositories of the packages: a folder
// of plain files that any web server can publish, and that apt 0.8 of Debian
// 6 and yum of CentOS 6 read as well as today's.
package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/packages/signing"
	"github.com/avirkit/avirkit/internal/run"
)

// URLVariable names the place where the repositories will be published.
const URLVariable = "AVIR_REPO_URL"

// PublishedVariable names a folder with the repositories that are published.
const PublishedVariable = "AVIR_REPO_PUBLISHED"

// keyFile is the public key as text.
const keyFile = "avirkit.asc"

// placeholder stands in the indexes until the real place is known; example.org
// belongs to nobody.
const placeholder = "https://example.org/avirkit"

// Options says what to build from what. FromEnvironment fills in all of it.
type Options struct {
	Packages string    // folder with the new packages; empty: there are none
	Channel  Channel   // of the new packages; empty: Stable
	Out      string    // folder for apt/ and yum/; replaced as a whole
	URL      string    // where Out will be published, without a slash at the end
	Epoch    time.Time // the time of everything in the indexes

	// Published is a folder with apt/ and yum/ whose packages stay in the
	// repositories, or empty to start with none. It may be Out.
	Published string

	// Named says that somebody named Published, so that clients have what lies
	// there: it is whole, signed if it ever was, and no version of it changes.
	Named bool

	// Promote is a published version that goes from beta to stable. Without are
	// those that are published no longer. Their zero values mean none.
	Promote packages.Version
	Without []packages.Version

	// Signer signs the indexes; one of the keys that clients trust must have
	// signed each RPM package. nil leaves them unsigned, for tests on one machine.
	Signer *signing.Keys
}

// FromEnvironment returns the options that go with those of the packages.
func FromEnvironment(p packages.Options) (Options, error) {
	o := Options{
		Packages: p.Out,
		Out:      filepath.Join(p.Dist, "repo"),
		URL:      os.Getenv(URLVariable),
		Epoch:    p.Epoch,
		Signer:   p.Signer,

		Published: os.Getenv(PublishedVariable),
		Named:     os.Getenv(PublishedVariable) != "",
	}
	if p.Version.Prerelease() {
		o.Channel = Beta
	}
	if o.Published == "" {
		o.Published = o.Out
	}
	if o.URL == "" {
		o.URL = placeholder
	}
	if err := checkURL(o.URL); err != nil {
		return o, err
	}
	o.URL = strings.TrimRight(o.URL, "/")
	return o, nil
}

// Placeholder says whether nobody has told where Out will be published.
func (o Options) Placeholder() bool { return o.URL == placeholder }

// checkURL keeps out what would break the lines that the URL stands in.
func checkURL(s string) error {
	u, err := url.Parse(s)
	ok := err == nil && u.RawQuery == "" && u.Fragment == "" && u.Opaque == "" && !strings.ContainsAny(s, " \t\n[]$\"'?#")
	if ok {
		switch u.Scheme {
		case "http", "https":
			ok = u.Host != ""
		case "file":
			ok = u.Host == "" && strings.HasPrefix(u.Path, "/")
		default:
			ok = false
		}
	}
	if !ok {
		return fmt.Errorf("%s is %q: it must be an http or https URL with a host, or file:///FOLDER, without a query", URLVariable, s)
	}
	return nil
}

// checkSigned refuses to put an unsigned repository in the place of a signed
// one, which clients would not take.
func (o Options) checkSigned() error {
	if o.Signer != nil || o.Published == "" {
		return nil
	}
	for _, name := range []string{keyFile, Stable.suite() + "/InRelease"} {
		if _, err := os.Lstat(filepath.Join(o.Published, name)); err == nil {
			return fmt.Errorf("%s is signed, and there is no key now: set AVIR_SIGNING_KEY or AVIR_SIGNING_KEYID, or delete it if it never was published", o.Published)
		}
	}
	return nil
}

// Build makes the repositories of the packages in o.Published and o.Packages
// in o.Out. It leaves o.Out as it was when it fails.
func Build(ctx context.Context, o Options) error {
	if err := checkURL(o.URL); err != nil {
		return err
	}
	if err := o.checkSigned(); err != nil {
		return err
	}
	if err := hostdeps.Need(ctx, hostdeps.For("repo")...); err != nil {
		return err
	}
	if o.Channel == "" {
		o.Channel = Stable
	}
	if o.Epoch.After(time.Now()) {
		return fmt.Errorf("the time of the indexes is in the future, %s, and apt would refuse them: set the clock right, or SOURCE_DATE_EPOCH", o.Epoch)
	}
	old, err := o.open()
	if err != nil {
		return err
	}
	if at := old.notBefore(o); at != o.Epoch {
		run.Printf("  !! the indexes carry the time of the published ones, %s, which is later than the packages'", at.Format(aptTime))
		o.Epoch = at
	}
	return atomicdir.Replace(o.Out, func(tmp string) error { return o.fill(ctx, old, tmp) })
}

// open reads what is published; it returns nil if nothing is yet.
func (o Options) open() (*published, error) {
	if o.Published == "" {
		return nil, nil
	}
	dir, err := os.OpenRoot(o.Published)
	if errors.Is(err, fs.ErrNotExist) && !o.Named {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what is published: %w: set %s to its folder", err, PublishedVariable)
	}
	defer dir.Close()
	old, err := readPublished(o, dir)
	if err != nil {
		return nil, fmt.Errorf("read what is published: %w", err)
	}
	return old, nil
}

// fill makes both repositories in tmp.
func (o Options) fill(ctx context.Context, old *published, tmp string) error {
	tmp, err := filepath.Abs(tmp)
	if err != nil {
		return err
	}
	p, err := gather(o, old, tmp)
	if err != nil {
		return err
	}
	if err := writeKey(o.Signer, tmp); err != nil {
		return err
	}
	if err := vouchRPM(ctx, o, tmp, p.files[rpmFormat.extension]); err != nil {
		return err
	}
	if err := buildApt(ctx, o, filepath.Join(tmp, "apt"), p); err != nil {
		return err
	}
	for _, c := range channels {
		if err := buildYum(ctx, o, c, tmp, p); err != nil {
			return err
		}
	}
	p.tell(o)
	if strings.HasPrefix(o.URL, "http:") {
		run.Printf("  !! %s is http: anybody on the way can change the key that is copied from there; let administrators compare its fingerprint", o.URL)
	}
	for _, c := range channels {
		run.Printf("  ok channel %s: %d packages in %s/apt, %d in %s/%s", c, len(p.files[debFormat.extension][c]), o.Out, len(p.files[rpmFormat.extension][c]), o.Out, c.yum())
	}
	run.Printf("repositories %s", signing.Describe(o.Signer))
	return nil
}

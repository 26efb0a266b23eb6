// Package repo makes the apt and yum repositories of the packages: a folder
// of plain files that any web server can publish, and that apt 0.8 of Debian
// 6 and yum of CentOS 6 read as well as today's.
package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/avirkit/avirkit/internal/debian"
	"github.com/avirkit/avirkit/internal/outdir"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/signing"
)

// Tools are the Debian packages that Build needs.
var Tools = []string{"apt-utils", "createrepo-c"}

// URLVariable names the place where the repositories will be published.
const URLVariable = "AVIR_REPO_URL"

// placeholder stands in the files for administrators until the real place is
// known; example.org belongs to nobody.
const placeholder = "https://example.org/avirkit"

// Options says what to build from what. FromEnvironment fills in all of it.
type Options struct {
	Packages string    // folder with the new packages
	Out      string    // folder for apt/ and yum/; packages that are there stay
	URL      string    // where Out will be published, without a slash at the end
	Epoch    time.Time // the time of everything in the indexes

	// Signer signs the indexes; nil leaves them unsigned, for tests on one
	// machine.
	Signer signing.Signer
}

// FromEnvironment returns the options that go with those of the packages.
func FromEnvironment(p packages.Options) (Options, error) {
	o := Options{
		Packages: p.Out,
		Out:      filepath.Join(p.Dist, "repo"),
		URL:      strings.TrimRight(os.Getenv(URLVariable), "/"),
		Epoch:    p.Epoch,
		Signer:   p.Signer,
	}
	if o.URL == "" {
		o.URL = placeholder
		run.Printf("the repository files name %s: set %s to where you publish them", placeholder, URLVariable)
	}
	return o, checkURL(o.URL)
}

// checkURL keeps out what would break the lines that the URL stands in.
func checkURL(s string) error {
	u, err := url.Parse(s)
	known := map[string]bool{"http": true, "https": true, "file": true}
	if err != nil || !known[u.Scheme] || strings.ContainsAny(s, " \t\n[]$\"'") {
		return fmt.Errorf("%s is %q: it must be an http, https or file URL", URLVariable, s)
	}
	return nil
}

// Build adds the packages in o.Packages to the repositories in o.Out, which
// it makes if they don't exist. Packages of other versions stay. It leaves
// o.Out as it was when it fails.
func Build(ctx context.Context, o Options) error {
	if err := checkURL(o.URL); err != nil {
		return err
	}
	if err := debian.Need(ctx, Tools...); err != nil {
		return err
	}
	return outdir.Replace(o.Out, func(tmp string) error {
		debs, err := gather(o, tmp, "apt/pool/main", ".deb")
		if err != nil {
			return err
		}
		rpms, err := gather(o, tmp, "yum", ".rpm")
		if err != nil {
			return err
		}
		if debs == 0 || rpms == 0 {
			return fmt.Errorf("%s holds no packages: run go tool mage package", o.Packages)
		}
		if err := writeKey(o, tmp); err != nil {
			return err
		}
		if err := buildApt(ctx, o, filepath.Join(tmp, "apt"), debs); err != nil {
			return err
		}
		if err := buildYum(ctx, o, filepath.Join(tmp, "yum"), rpms); err != nil {
			return err
		}
		run.Printf("  ok apt repository: %d packages in %s/apt", debs, o.Out)
		run.Printf("  ok yum repository: %d packages in %s/yum", rpms, o.Out)
		run.Printf("repositories %s", signing.Describe(o.Signer))
		return nil
	})
}

// gather puts the published packages of one format and then the new ones
// into tmp/sub, a folder for each package, and returns how many there are.
func gather(o Options, tmp, sub, extension string) (int, error) {
	seen := map[string]bool{}
	for _, from := range []string{filepath.Join(o.Out, sub), o.Packages} {
		err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != extension {
				return err
			}
			seen[d.Name()] = true
			return add(path, filepath.Join(tmp, sub, packageName(d.Name()), d.Name()), o.Epoch)
		})
		if err != nil && !(errors.Is(err, fs.ErrNotExist) && from != o.Packages) {
			return 0, fmt.Errorf("gather the packages for %s: %w", sub, err)
		}
	}
	return len(seen), nil
}

// add copies a package. createrepo_c writes its time into the index.
func add(from, to string, at time.Time) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if earlier, err := os.ReadFile(to); err == nil && !bytes.Equal(earlier, data) {
		run.Printf("  !! %s replaces another build of the same version", filepath.Base(to))
	}
	if err := outdir.WriteFile(to, data, 0o644); err != nil {
		return err
	}
	return os.Chtimes(to, at, at)
}

// packageName returns the name in NAME_VERSION_ARCH.deb and in
// NAME-VERSION-RELEASE.ARCH.rpm.
func packageName(file string) string {
	if name, _, ok := strings.Cut(file, "_"); ok {
		return name
	}
	parts := strings.Split(file, "-")
	return strings.Join(parts[:max(1, len(parts)-2)], "-")
}

// writeKey writes the public key for apt (binary) and for rpm (text).
func writeKey(o Options, tmp string) error {
	if o.Signer == nil {
		return nil
	}
	binary, text, err := signing.PublicKey(o.Signer)
	if err != nil {
		return err
	}
	if err := outdir.WriteFile(filepath.Join(tmp, "avirkit.gpg"), binary, 0o644); err != nil {
		return err
	}
	return outdir.WriteFile(filepath.Join(tmp, "avirkit.asc"), text, 0o644)
}

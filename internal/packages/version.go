package packages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/avirkit/avirkit/internal/versions"
)

// Version is a release's version in the form that each format sorts right.
type Version struct {
	core string // "1.3.0"
	pre  string // "rc.1", or empty for a release
}

// ParseVersion reads "1.3.0" or "1.3.0-rc.1", with or without a leading "v".
func ParseVersion(s string) (Version, error) {
	core, pre, err := versions.Parse(s)
	return Version{core: core, pre: pre}, err
}

// String returns the version as it stands in tags, "1.3.0-rc.1".
func (v Version) String() string {
	if v.pre == "" {
		return v.core
	}
	return v.core + "-" + v.pre
}

// Prerelease says whether the version comes before a release.
func (v Version) Prerelease() bool { return v.pre != "" }

// Older returns a version that sorts before v in every format: v's own first
// prerelease, for upgrade tests.
func (v Version) Older() Version {
	if v.pre == "alpha.0" {
		return Version{core: "0.0.0", pre: "alpha.0"}
	}
	return Version{core: v.core, pre: "alpha.0"}
}

// Newer returns a version that sorts after v in every format.
func (v Version) Newer() Version {
	major, rest, _ := strings.Cut(v.core, ".")
	n, _ := strconv.Atoi(major) // versions.Parse has seen that it is a number
	return Version{core: strconv.Itoa(n+1) + "." + rest}
}

// Deb returns the Debian version, "1.3.0~rc.1": dpkg sorts ~ before the end.
func (v Version) Deb() string {
	if v.pre == "" {
		return v.core
	}
	return v.core + "~" + v.pre
}

// RPM returns rpm's version and release, "1.3.0" and "0.rc1": rpm 4.8 sorts
// 1.3.0~rc.1 after 1.3.0, so a prerelease is told by a release below 1.
func (v Version) RPM() (version, release string) {
	if v.pre == "" {
		return v.core, "1"
	}
	return v.core, "0." + strings.ReplaceAll(v.pre, ".", "")
}

// RPMWhole returns both as rpm writes them, "1.3.0-0.rc1".
func (v Version) RPMWhole() string {
	version, release := v.RPM()
	return version + "-" + release
}

// FindVersion returns the version of the checkout at root: what the file
// VERSION says, which the build puts into the libraries, too. A version tag
// on the commit must say the same.
func FindVersion(ctx context.Context, root string) (Version, error) {
	path := filepath.Join(root, "VERSION")
	data, err := os.ReadFile(path)
	if err != nil {
		return Version{}, fmt.Errorf("read the version: %w", err)
	}
	v, err := ParseVersion(string(bytes.TrimSpace(data)))
	if err != nil {
		return Version{}, fmt.Errorf("%s: %w", path, err)
	}
	tags, err := tagsOf(ctx, root, "--points-at", "HEAD", "--list", "v[0-9]*")
	if err != nil {
		return Version{}, err
	}
	if len(tags) > 0 && !slices.Contains(tags, "v"+v.String()) {
		return Version{}, fmt.Errorf("%s says %s, but the commit is tagged %s: change the file, or delete the tag", path, v, strings.Join(tags, " and "))
	}
	return v, nil
}

// Tagged says whether the checkout at root is the tagged commit of v, and
// whether another commit is: then v was released, and must not be again.
func Tagged(ctx context.Context, root string, v Version) (here, elsewhere bool, err error) {
	at, err := tagsOf(ctx, root, "--points-at", "HEAD", "--list", "v"+v.String())
	if err != nil || len(at) > 0 {
		return len(at) > 0, false, err
	}
	all, err := tagsOf(ctx, root, "--list", "v"+v.String())
	return false, len(all) > 0, err
}

// tagsOf lists tags; there are none where root is no git checkout, as in an
// unpacked source archive.
func tagsOf(ctx context.Context, root string, args ...string) ([]string, error) {
	out, err := Git(ctx, root, append([]string{"tag"}, args...)...)
	if errors.Is(err, errNoCheckout) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the tags of the commit: %w", err)
	}
	return strings.Fields(out), nil
}

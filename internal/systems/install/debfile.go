package install

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/build/glibc"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/run"
)

// debFile is a Debian package.
type debFile struct{ path string }

// arch is what the file name says.
func (f debFile) arch() string {
	name := strings.TrimSuffix(filepath.Base(f.path), ".deb")
	return name[strings.LastIndex(name, "_")+1:]
}

func (f debFile) version(v packages.Version) string { return v.Deb() }

func (f debFile) documents(p pkg) []string {
	doc := "/usr/share/doc/" + p.name
	return []string{
		"/usr", "/usr/share", "/usr/share/doc", doc, doc + "/README", doc + "/changelog.gz", doc + "/copyright",
		"/usr/share/lintian", "/usr/share/lintian/overrides", "/usr/share/lintian/overrides/" + p.name,
	}
}

func (f debFile) query(ctx context.Context, format string) (string, error) {
	return run.Command{Name: "dpkg-deb", Args: []string{"--show", "--showformat", format, f.path}}.Run(ctx)
}

func (f debFile) tags() map[string]string {
	return map[string]string{
		"Package": "${Package}", "Version": "${Version}", "Architecture": "${Architecture}", "Maintainer": "${Maintainer}",
		"Homepage": "${Homepage}", "Section": "${Section}", "Summary": "${binary:Summary}", "Description": "${Description}", "Size": "${Installed-Size}",
	}
}

func (f debFile) members() ([]packages.Member, error) {
	deb, err := os.ReadFile(f.path)
	if err != nil {
		return nil, err
	}
	return packages.Members(deb)
}

// unreadable are words that dpkg 1.15 refuses in a control file.
var unreadable = regexp.MustCompile(`:any|:i386|:amd64|:native|noawait|Multi-Arch`)

func (f debFile) atFloor(ctx context.Context) error {
	members, err := f.members()
	if err != nil {
		return err
	}
	var names []string
	for _, m := range members {
		names = append(names, m.Name)
	}
	if want := []string{"debian-binary", "control.tar.gz", "data.tar.gz"}; !slices.Equal(names, want) {
		return fmt.Errorf("members are %q: dpkg 1.15 wants %q", names, want)
	}
	control, err := run.Command{Name: "dpkg-deb", Args: []string{"--field", f.path}}.Run(ctx)
	if err != nil {
		return err
	}
	if bad := unreadable.FindString(control); bad != "" {
		return fmt.Errorf("the control file has %q, which dpkg 1.15 can't read:\n%s", bad, control)
	}
	return packages.EachFile(members[1].Data, func(h *tar.Header, _ io.Reader) error {
		if h.Name == "./triggers" || h.Name == "./conffiles" {
			return fmt.Errorf("has %s: the packages have neither triggers nor configuration files", h.Name)
		}
		return nil
	})
}

func (f debFile) contents(context.Context) (lines []string, err error) {
	members, err := f.members()
	if err != nil {
		return nil, err
	}
	err = packages.EachFile(members[len(members)-1].Data, func(h *tar.Header, content io.Reader) error {
		sum := sha256.New()
		if _, err := io.Copy(sum, content); err != nil {
			return err
		}
		if h.Uid != 0 || h.Gid != 0 {
			return fmt.Errorf("%s is of %d:%d", h.Name, h.Uid, h.Gid)
		}
		path := strings.TrimRight(strings.TrimPrefix(h.Name, "."), "/")
		lines = append(lines, fmt.Sprintf("%s %s %s %s %x", h.FileInfo().Mode(), h.Uname, h.Gname, path, sum.Sum(nil)))
		return nil
	})
	return lines, err
}

var glibcDependency = regexp.MustCompile(`^libc6 \(>= ([^)]+)\)$`)

// satisfies checks that the one dependency is glibc, in a version that is not
// older than what any symbol needs and not newer than Debian 6's.
func (f debFile) satisfies(ctx context.Context, needs []string) error {
	depends, err := f.query(ctx, "${Depends}")
	if err != nil {
		return err
	}
	m := glibcDependency.FindStringSubmatch(depends)
	if m == nil {
		return fmt.Errorf("depends on %q: want only glibc", depends)
	}
	for _, need := range needs {
		_, version, versioned := strings.Cut(need, "(GLIBC_")
		if !versioned {
			continue
		}
		version, _, _ = strings.Cut(version, ")")
		atLeast := version
		if glibc.Newer("2.4", version) {
			atLeast = "2.3.6-6~" // as in Debian's shlibs
		}
		if err := compare(ctx, m[1], "ge", atLeast); err != nil {
			return fmt.Errorf("%s needs glibc %s: %w", need, version, err)
		}
	}
	const debian6 = "2.11.3-4"
	return compare(ctx, m[1], "le", debian6)
}

func compare(ctx context.Context, a, relation, b string) error {
	_, err := run.Command{Name: "dpkg", Args: []string{"--compare-versions", a, relation, b}}.Run(ctx)
	return err
}

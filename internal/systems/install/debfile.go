package install

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/blakesmith/ar"

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

func (f debFile) fields(ctx context.Context) (map[string]string, error) {
	out, err := run.Command{Name: "dpkg-deb", Args: []string{"--field", f.path}}.Run(ctx)
	if err != nil {
		return nil, err
	}
	fields, last := map[string]string{}, ""
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, " ") {
			fields[last] += "\n" + line
			continue
		}
		name, value, _ := strings.Cut(line, ": ")
		fields[name], last = value, name
	}
	fields["Summary"], fields["Description"], _ = strings.Cut(fields["Description"], "\n")
	fields["Size"] = fields["Installed-Size"]
	return fields, nil
}

// members returns what the archive holds, by name.
func (f debFile) members() (names []string, content map[string][]byte, err error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, nil, fmt.Errorf("read a package: %w", err)
	}
	defer file.Close()
	content = map[string][]byte{}
	archive := ar.NewReader(file)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return names, content, nil
		}
		if err == nil {
			content[h.Name], err = io.ReadAll(archive)
			names = append(names, h.Name)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read %s: %w", f.path, err)
		}
	}
}

// unreadable are words that dpkg 1.15 refuses in a control file.
var unreadable = regexp.MustCompile(`:any|:i386|:amd64|:native|noawait|Multi-Arch`)

func (f debFile) atFloor(ctx context.Context) error {
	names, content, err := f.members()
	if err != nil {
		return err
	}
	if want := []string{"debian-binary", "control.tar.gz", "data.tar.gz"}; !slices.Equal(names, want) {
		return fmt.Errorf("members are %q: dpkg 1.15 wants %q", names, want)
	}
	for _, name := range names[1:] {
		if !bytes.HasPrefix(content[name], []byte{0x1f, 0x8b}) {
			return fmt.Errorf("%s is not compressed by gzip", name)
		}
	}
	fields, err := f.fields(ctx)
	if err != nil {
		return err
	}
	for name, value := range fields {
		if bad := unreadable.FindString(name + ": " + value); bad != "" {
			return fmt.Errorf("field %s has %q, which dpkg 1.15 can't read", name, bad)
		}
	}
	z, err := gzip.NewReader(bytes.NewReader(content["control.tar.gz"]))
	if err != nil {
		return fmt.Errorf("read control.tar.gz: %w", err)
	}
	for control := tar.NewReader(z); ; {
		h, err := control.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read control.tar.gz: %w", err)
		}
		if h.Name == "./triggers" || h.Name == "./conffiles" {
			return fmt.Errorf("has %s: the packages have neither triggers nor configuration files", h.Name)
		}
	}
}

func (f debFile) contents(context.Context) ([]string, error) {
	_, content, err := f.members()
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(content["data.tar.gz"]))
	if err != nil {
		return nil, fmt.Errorf("read data.tar.gz: %w", err)
	}
	var lines []string
	for data := tar.NewReader(z); ; {
		h, err := data.Next()
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read data.tar.gz: %w", err)
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, data); err != nil {
			return nil, fmt.Errorf("read data.tar.gz: %w", err)
		}
		if h.Uid != 0 || h.Gid != 0 {
			return nil, fmt.Errorf("%s is of %d:%d", h.Name, h.Uid, h.Gid)
		}
		path := strings.TrimRight(strings.TrimPrefix(h.Name, "."), "/")
		lines = append(lines, fmt.Sprintf("%s %s %s %s %x", h.FileInfo().Mode(), h.Uname, h.Gname, path, sum.Sum(nil)))
	}
}

var glibcDependency = regexp.MustCompile(`^libc6 \(>= ([^)]+)\)$`)

// satisfies: the one dependency is glibc, in a version that is not older than
// what any symbol needs and not newer than Debian 6's.
func (f debFile) satisfies(ctx context.Context, n needs) error {
	fields, err := f.fields(ctx)
	if err != nil {
		return err
	}
	m := glibcDependency.FindStringSubmatch(fields["Depends"])
	if m == nil {
		return fmt.Errorf("depends on %q: want only glibc", fields["Depends"])
	}
	const debian6 = "2.11.3-4"
	for relation, other := range n.debVersions() {
		if err := compare(ctx, m[1], "ge", other); err != nil {
			return fmt.Errorf("%s needs glibc %s: %w", relation, other, err)
		}
	}
	return compare(ctx, m[1], "le", debian6)
}

// debVersions returns the upstream glibc version of each need. Everything
// below 2.4 counts as 2.3.6-6~, as in Debian's shlibs.
func (n needs) debVersions() map[string]string {
	versions := map[string]string{}
	for _, v := range n.versions {
		_, version, _ := strings.Cut(strings.TrimSuffix(v, ")"), "GLIBC_")
		if strings.HasPrefix(version, "2.0") || strings.HasPrefix(version, "2.1.") || version == "2.1" ||
			strings.HasPrefix(version, "2.2") || strings.HasPrefix(version, "2.3") {
			version = "2.3.6-6~"
		}
		versions[v] = version
	}
	return versions
}

func compare(ctx context.Context, a, relation, b string) error {
	_, err := run.Command{Name: "dpkg", Args: []string{"--compare-versions", a, relation, b}}.Run(ctx)
	return err
}

package install

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/run"
)

// rpmFile is an RPM package, read with the rpm of a home that knows the key.
type rpmFile struct {
	path string
	of   *platform.Platform
	home string
}

// arch is what the file name says.
func (f rpmFile) arch() string {
	name := strings.TrimSuffix(f.path, ".rpm")
	return name[strings.LastIndex(name, ".")+1:]
}

func (f rpmFile) version(v packages.Version) string {
	version, release := v.RPM()
	return version + "-" + release
}

func (f rpmFile) documents(p pkg) []string {
	doc, licenses := "/usr/share/doc/"+p.name, "/usr/share/licenses"
	return []string{doc, doc + "/README", licenses, licenses + "/" + p.name, licenses + "/" + p.name + "/LICENSE"}
}

// query asks rpm about the file.
func (f rpmFile) query(ctx context.Context, format string) (string, error) {
	return run.Command{Name: "rpm", Args: []string{"-qp", "--qf", format, f.path}, Env: []string{"HOME=" + f.home}}.Run(ctx)
}

func (f rpmFile) fields(ctx context.Context) (map[string]string, error) {
	fields := map[string]string{}
	for name, tag := range map[string]string{
		"Package": "%{NAME}", "Version": "%{VERSION}-%{RELEASE}", "Architecture": "%{ARCH}", "Maintainer": "%{PACKAGER}",
		"Homepage": "%{URL}", "Section": "%{GROUP}", "Summary": "%{SUMMARY}", "Description": "%{DESCRIPTION}", "Size": "%{SIZE}",
	} {
		var err error
		if fields[name], err = f.query(ctx, tag); err != nil {
			return nil, err
		}
	}
	return fields, nil
}

// rpmlibAtFloor are the features that rpm 4.8 has and the packages may use.
var rpmlibAtFloor = []string{"rpmlib(CompressedFileNames)", "rpmlib(FileDigests)"}

func (f rpmFile) atFloor(ctx context.Context) error {
	out, err := f.query(ctx, "%{PAYLOADCOMPRESSOR} %{VERSION}%{RELEASE}\n[%{REQUIRENAME} \n]")
	if err != nil {
		return err
	}
	first, requires, _ := strings.Cut(out, "\n")
	compressor, version, _ := strings.Cut(first, " ")
	if compressor != "gzip" {
		return fmt.Errorf("the payload is compressed by %s: rpm 4.8 wants gzip", compressor)
	}
	if strings.ContainsAny(version, "~^") {
		return fmt.Errorf("the version %s has a character that rpm 4.8 sorts wrong", version)
	}
	for _, name := range strings.Fields(requires) {
		if strings.HasPrefix(name, "(") {
			return fmt.Errorf("requires %s: rpm 4.8 knows no rich dependencies", name)
		}
		if strings.HasPrefix(name, "rpmlib(") && !slices.Contains(rpmlibAtFloor, name) {
			return fmt.Errorf("requires %s, which rpm 4.8 lacks", name)
		}
	}
	for _, need := range rpmlibAtFloor {
		if !strings.Contains(requires, need+" ") {
			return fmt.Errorf("doesn't say that it needs %s", need)
		}
	}
	return nil
}

func (f rpmFile) contents(ctx context.Context) ([]string, error) {
	out, err := f.query(ctx, "[%{FILEMODES:perms} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILENAMES} %{FILEDIGESTS}\n]")
	return strings.Split(strings.TrimSpace(out), "\n"), err
}

// satisfies: the scripts' tools, every soname and every symbol version are
// required, nothing else is, and whatever is required is in EL6's glibc.
func (f rpmFile) satisfies(ctx context.Context, n needs) error {
	out, err := f.query(ctx, "[%{REQUIRENAME}\n]")
	if err != nil {
		return err
	}
	var got []string
	for _, name := range strings.Fields(out) {
		if !strings.HasPrefix(name, "rpmlib(") && name != "rtld(GNU_HASH)" {
			got = append(got, name)
		}
	}
	want := slices.Clone(packages.ScriptNeeds)
	for _, soname := range n.sonames {
		if f.of.RPMMark != "" {
			soname += "()"
		}
		want = append(want, soname+f.of.RPMMark)
	}
	for _, version := range n.versions {
		want = append(want, version+f.of.RPMMark)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return fmt.Errorf("requires %q, the library needs %q", got, want)
	}
	return nil
}

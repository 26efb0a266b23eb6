package install

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/run"
)

// rpmFile is an RPM package, read with the rpm of a home that knows the key.
type rpmFile struct {
	path string
	home string
}

// arch is what the file name says.
func (f rpmFile) arch() string {
	name := strings.TrimSuffix(f.path, ".rpm")
	return name[strings.LastIndex(name, ".")+1:]
}

func (f rpmFile) version(v packages.Version) string { return v.RPMWhole() }

func (f rpmFile) documents(p pkg) []string {
	doc, licenses := "/usr/share/doc/"+p.name, "/usr/share/licenses"
	return []string{doc, doc + "/README", licenses, licenses + "/" + p.name, licenses + "/" + p.name + "/LICENSE"}
}

func (f rpmFile) query(ctx context.Context, format string) (string, error) {
	return run.Command{Name: "rpm", Args: []string{"-qp", "--qf", format, f.path}, Env: []string{"HOME=" + f.home}}.Run(ctx)
}

func (f rpmFile) tags() map[string]string {
	return map[string]string{
		"Package": "%{NAME}", "Version": "%{VERSION}-%{RELEASE}", "Architecture": "%{ARCH}", "Maintainer": "%{PACKAGER}",
		"Homepage": "%{URL}", "Section": "%{GROUP}", "Summary": "%{SUMMARY}", "Description": "%{DESCRIPTION}", "Size": "%{SIZE}",
	}
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

// satisfies checks that the scripts' tools and what the library needs are
// required, and nothing else is.
func (f rpmFile) satisfies(ctx context.Context, needs []string) error {
	out, err := f.query(ctx, "[%{REQUIRENAME}\n]")
	if err != nil {
		return err
	}
	got := slices.DeleteFunc(strings.Fields(out), func(name string) bool { return strings.HasPrefix(name, "rpmlib(") })
	want := slices.Concat(packages.ScriptNeeds, needs)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return fmt.Errorf("requires %q, the library needs %q", got, want)
	}
	return nil
}

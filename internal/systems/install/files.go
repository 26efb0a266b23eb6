package install

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/run"
)

// testFiles looks at the package files and the repositories, without
// installing anything.
func testFiles(ctx context.Context, k *kit, t *table) error {
	home, err := k.keyrings(ctx)
	if err != nil {
		return err
	}
	for _, of := range platform.All {
		for _, p := range k.packages(of) {
			for _, f := range []packageFile{debFile{k.path(p.deb(k.current.version))}, rpmFile{k.path(p.rpm(k.current.version)), home}} {
				t.do(p.name, f.arch()+": metadata, floor, files, dependencies", func() error { return k.lookAt(ctx, p, f) })
			}
		}
	}
	t.do("all", "a package of each format and platform, those of the tools and keys too, and no other file", k.complete)
	t.do("all", "lintian", func() error { return k.lintian(ctx) })
	t.do("all", "rpmlint", func() error { return k.rpmlint(ctx, home) })
	t.do("all", "signatures good, one flipped bit refused", func() error { return k.signatures(ctx, home) })
	return nil
}

func (k *kit) path(name string) string { return filepath.Join(k.current.dir, name) }

func (k *kit) complete() error {
	files, err := filepath.Glob(k.path("*"))
	if want := 2*len(platform.All)*(len(k.packages(platform.All[0]))+1) + 2; err == nil && len(files) != want {
		err = fmt.Errorf("there are %d files, not %d: %q", len(files), want, files)
	}
	return err
}

// packageFile reads one package with the tools of its format.
type packageFile interface {
	arch() string

	// query returns what a format string of dpkg's or rpm's asks for.
	query(ctx context.Context, format string) (string, error)

	// tags are such strings for metadata, by the names of dpkg's fields.
	tags() map[string]string

	// contents returns a line for each path: mode, owner, group, path, and
	// the SHA-256 of a file.
	contents(ctx context.Context) ([]string, error)

	// version is v as the format writes it.
	version(v packages.Version) string

	// atFloor says what the oldest package manager can't read.
	atFloor(ctx context.Context) error

	// satisfies checks the dependencies against what the library needs.
	satisfies(ctx context.Context, needs []string) error

	// documents returns the paths of what lies beside the library.
	documents(p pkg) []string
}

// lookAt checks one package file.
func (k *kit) lookAt(ctx context.Context, p pkg, f packageFile) error {
	want := map[string]string{
		"Package":      p.name,
		"Version":      f.version(k.current.version),
		"Architecture": f.arch(),
		"Maintainer":   k.data.Maintainer,
		"Homepage":     k.data.Homepage,
		"Summary":      p.plugin.Summary + " " + p.product.Name,
	}
	for name, tag := range f.tags() {
		got, err := f.query(ctx, tag)
		if err != nil {
			return err
		}
		if text, exact := want[name]; exact && got != text || got == "" || got == "0" {
			return fmt.Errorf("%s is %q, want %q", name, got, text)
		}
	}
	if err := f.atFloor(ctx); err != nil {
		return err
	}
	if err := k.rightContents(ctx, p, f); err != nil {
		return err
	}
	needs, err := elfNeeds(ctx, p.built(k.current))
	if err != nil {
		return err
	}
	return f.satisfies(ctx, needs)
}

// elfNeeds asks rpm's own generator of dependencies what a library needs:
// libc.so.6(GLIBC_2.0), and libc.so.6 for the library itself.
func elfNeeds(ctx context.Context, library string) ([]string, error) {
	out, err := run.Command{Name: "/usr/lib/rpm/elfdeps", Args: []string{"--requires"}, Stdin: strings.NewReader(library + "\n")}.Run(ctx)
	needs := strings.Fields(out)
	if err == nil && len(needs) < 2 {
		err = fmt.Errorf("%s needs no library or no symbol version: that can't be", library)
	}
	return needs, err
}

// rightContents checks that the package holds its files and nothing else,
// all root's and for everybody to read, with no folder of the product.
func (k *kit) rightContents(ctx context.Context, p pkg, f packageFile) error {
	got, err := f.contents(ctx)
	if err != nil {
		return err
	}
	sum, err := digest(p.built(k.current))
	if err != nil {
		return err
	}
	want := append(f.documents(p), p.library())
	var paths []string
	for _, line := range got {
		field := strings.Fields(line)
		mode, owner, path := field[0], field[1]+":"+field[2], field[3]
		right := "-rw-r--r--"
		if mode[0] == 'd' {
			right = "drwxr-xr-x"
		}
		if mode != right || owner != "root:root" {
			return fmt.Errorf("%s has mode %s of %s, not %s of root:root", path, mode, owner, right)
		}
		if path == p.library() && (len(field) < 5 || field[4] != sum) {
			return fmt.Errorf("%s is not the library that was built", path)
		}
		paths = append(paths, path)
	}
	slices.Sort(paths)
	slices.Sort(want)
	if !slices.Equal(paths, want) {
		return fmt.Errorf("holds %q, want %q", paths, want)
	}
	return nil
}

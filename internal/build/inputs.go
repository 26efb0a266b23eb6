package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/versions"
)

// inputs returns a digest of everything that the results depend on.
func (b *builder) inputs(ctx context.Context) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q %q\n", b.tc.String(), versions.TargetGo, b.version(), b.tools(), b.targets())
	plugins, err := b.plugins()
	if err != nil {
		return "", err
	}
	for _, p := range plugins {
		fmt.Fprintf(h, "%q %q\n", p.Name, p.Dir)
	}
	sources, err := b.sources(ctx, plugins)
	if err != nil {
		return "", err
	}
	if b.Plugin != "" {
		if err := b.vendorFiles(h); err != nil {
			return "", err
		}
	}
	for _, path := range sources {
		f, err := describe(b.Root, filepath.Join(b.Root, path))
		if errors.Is(err, fs.ErrNotExist) { // a link to nowhere
			f, err = File{Path: path}, nil
		}
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%q %q\n", f.SHA256, path)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// sources returns the files of the checkout that the results depend on, as the
// imports of the code tell: all of each module that is linked into a plugin or
// program, and the packages that this package is made of.
func (b *builder) sources(ctx context.Context, plugins []Plugin) ([]string, error) {
	linked := map[string][]string{"api": {"./abi"}} // packages by module
	for _, p := range plugins {
		if p.c != nil || filepath.IsAbs(p.Dir) {
			continue // in the folder of a module of which all files count, or counted by vendorFiles
		}
		linked["plugins"] = append(linked["plugins"], "./"+filepath.Base(p.Dir))
	}
	for _, p := range goPrograms {
		linked[p.module] = append(linked[p.module], p.pkg)
	}
	jobs, ctx := errgroup.WithContext(ctx)
	lists := make([][]string, len(linked)+1)
	for i, module := range slices.Sorted(maps.Keys(linked)) {
		jobs.Go(func() (err error) {
			lists[i], err = b.goList(ctx, module, "{{with .Module}}{{.Dir}}{{end}}", linked[module]...)
			return err
		})
	}
	jobs.Go(func() (err error) {
		const files = `{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{range .EmbedFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}`
		lists[len(linked)], err = b.goList(ctx, ".", `{{if not .Standard}}`+files+`{{end}}`, "./internal/build")
		return err
	})
	if err := jobs.Wait(); err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, path := range slices.Concat(lists...) {
		path, err := filepath.Rel(b.Root, path)
		if err != nil || !filepath.IsLocal(path) {
			continue // outside of the checkout; go.mod and go.sum pin it
		}
		if err := b.walk(path, nil, found); err != nil {
			return nil, err
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// vendorFiles adds the files of a plugin's folder outside of the checkout, without
// what builds make there.
func (b *builder) vendorFiles(h io.Writer) error {
	return filepath.WalkDir(b.Plugin, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if path == b.Dist || path != b.Plugin && strings.HasPrefix(d.Name(), ".") {
				return filepath.SkipDir
			}
		case d.Type().IsRegular():
			f, err := describe(b.Plugin, path)
			if err != nil {
				return err
			}
			fmt.Fprintf(h, "%q %q\n", f.SHA256, f.Path)
		}
		return nil
	})
}

// goList lists what the go command tells of packages and all that they import.
func (b *builder) goList(ctx context.Context, module, format string, packages ...string) ([]string, error) {
	env := b.targetGo
	if module == "." { // the tools, which this machine's own Go builds
		env = []string{"GOWORK=off", "GOFLAGS=-buildvcs=false"}
	}
	out, err := run.Command{
		Name: "go", Args: append([]string{"list", "-deps", "-tags=" + Tags, "-f", format}, packages...),
		Dir: filepath.Join(b.Root, module), Env: append(slices.Clone(env), "GOOS=linux", "CGO_ENABLED=1"), Unset: forOtherBuilds,
	}.Run(ctx)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	slices.Sort(lines)
	return slices.Compact(lines), nil
}

// walk adds a file of the checkout, or all files of a folder, to found. It
// follows links as the compilers do; above are the folders that it came
// through.
func (b *builder) walk(path string, above []string, found map[string]bool) error {
	full := filepath.Join(b.Root, path)
	st, err := os.Stat(full)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		found[path] = true
		return nil
	case err != nil:
		return err
	case st.Mode().IsRegular():
		if !strings.HasSuffix(path, "_test.go") && !strings.HasSuffix(path, ".md") {
			found[path] = true
		}
		return nil
	case !st.IsDir():
		return nil
	}
	real, err := filepath.EvalSymlinks(full)
	if err != nil || slices.Contains(above, real) {
		return err // nil for links in a circle
	}
	entries, err := os.ReadDir(real)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := b.walk(filepath.Join(path, e.Name()), append(above, real), found); err != nil {
			return err
		}
	}
	return nil
}

// upToDate returns the manifest of dist if it was made of these inputs.
func upToDate(dist, inputs string) *Manifest {
	m, err := ReadManifest(dist)
	if err != nil || m.Inputs != inputs {
		return nil
	}
	if _, sums, err := m.encode(); err != nil || !same(filepath.Join(dist, ChecksumsName), sums) {
		return nil
	}
	return m
}

func same(path string, want []byte) bool {
	got, err := os.ReadFile(path)
	return err == nil && slices.Equal(got, want)
}

package machines

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/run"
)

// kit is what goes into a machine, by its path there.
type kit map[string]string

// makeKit builds and packages what the machines are to test, and what tests
// it. dir takes what only the tests need.
func makeKit(ctx context.Context, root, dir string) (kit, error) {
	if _, err := build.Run(ctx, build.Options{Root: root, Toolchain: os.Getenv("AVIR_TOOLCHAIN")}); err != nil {
		return nil, err
	}
	o, err := packages.FromEnvironment(ctx, root)
	if err != nil {
		return nil, err
	}
	err = run.Step(ctx, "packages", nil, func(ctx context.Context) (string, error) {
		if err := packages.Build(ctx, o); err != nil {
			return "", err
		}
		old := o
		old.Version, old.Out = o.Version.Older(), filepath.Join(dir, "old")
		return fmt.Sprintf("%s, and %s to upgrade from", o.Version, old.Version), packages.Build(ctx, old)
	})
	if err != nil {
		return nil, err
	}
	targetGo, err := build.TargetGo(ctx, root)
	if err != nil {
		return nil, err
	}
	fake := filepath.Join(dir, "fakeclamd")
	err = run.Step(ctx, "build fakeclamd", nil, func(ctx context.Context) (string, error) {
		_, err := run.Command{
			Name: "go", Args: []string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", fake, "./clam/cmd/fakeclamd"},
			Dir: filepath.Join(root, "plugins"),
			Env: append(targetGo, "GOOS=linux", "GOARCH=386", "GO386=sse2", "CGO_ENABLED=0"),
		}.Run(ctx)
		return "", err
	})
	if err != nil {
		return nil, err
	}
	k := kit{
		"check.sh":  filepath.Join(root, "vagrant", "check.sh"),
		"harness":   filepath.Join(root, "dist", build.Dir386, "harness"),
		"avserver":  filepath.Join(root, "dist", build.Dir386, "avserver"),
		"fakeclamd": fake,
	}
	for version, from := range map[string]string{"new": o.Out, "old": filepath.Join(dir, "old")} {
		files, err := os.ReadDir(from)
		if err != nil {
			return nil, fmt.Errorf("read the packages: %w", err)
		}
		for _, f := range files {
			k["packages/"+version+"/"+f.Name()] = filepath.Join(from, f.Name())
		}
	}
	return k, nil
}

// of returns what a machine with this kind of packages needs of the kit.
func (k kit) of(packages string) kit {
	some := kit{}
	for name, from := range k {
		if !strings.HasPrefix(name, "packages/") || strings.HasSuffix(name, "."+packages) {
			some[name] = from
		}
	}
	return some
}

// write writes the kit as a tar file.
func (k kit) write(to io.Writer) error {
	names := make([]string, 0, len(k))
	for name := range k {
		names = append(names, name)
	}
	slices.Sort(names)
	w := tar.NewWriter(to)
	for _, name := range names {
		if err := addFile(w, name, k[name]); err != nil {
			return fmt.Errorf("pack %s for the machine: %w", name, err)
		}
	}
	return w.Close()
}

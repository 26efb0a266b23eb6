package toolchain

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/run"
)

// debianGCC returns gcc with stub libraries of each platform.
func debianGCC(ctx context.Context, cache string, platforms []*platform.Platform) (*Toolchain, error) {
	t := &Toolchain{Name: GCC, Compilers: map[*platform.Platform]*Compiler{}}
	for _, p := range platforms {
		if err := needDriver(ctx, "gcc", p, p.GCCPackages); err != nil {
			return nil, err
		}
		stubs, err := stubLibraries(ctx, cache, p)
		if err != nil {
			return nil, fmt.Errorf("make stub libraries of glibc %s for %s: %w", p.GlibcFloor, p, err)
		}
		t.Compilers[p] = &Compiler{
			CC:  []string{"gcc", p.GCCFlag},
			CXX: []string{"g++", p.GCCFlag},
			// The target systems' own libstdc++ is older than this one.
			CXXRuntime: []string{"-Wl,-Bstatic", "-lstdc++", "-lgcc_eh", "-Wl,-Bdynamic"},
			LinkFlags: append([]string{
				// Without this a symbol that the stubs lack links silently, as
				// an undefined one without a version.
				"-Wl,-z,defs",
				"-nodefaultlibs", "-L" + stubs, "-Wl,--as-needed",
			}, append(linkNames(p), "-lgcc")...),
		}
	}
	version, err := run.Command{Name: "gcc", Args: []string{"-dumpfullversion"}}.Run(ctx)
	if err != nil {
		return nil, err
	}
	t.Version = strings.TrimSpace(version)
	t.Tools, err = gccTools(ctx)
	return t, err
}

// NeedCXX makes sure that the toolchain compiles C++ in a job for a platform.
// Few builds need that, so that picking a toolchain does not look for it.
func (t *Toolchain) NeedCXX(ctx context.Context, p *platform.Platform, job string) error {
	if t.Name != GCC {
		return t.prepareCXX(ctx, p, job)
	}
	return needDriver(ctx, "g++", p, p.GXXPackages)
}

// needDriver makes sure that gcc or g++ links programs for a platform.
func needDriver(ctx context.Context, driver string, p *platform.Platform, packages []string) error {
	if links(ctx, driver, p) == nil {
		return nil
	}
	if err := hostdeps.Need(ctx, packages...); err != nil {
		return fmt.Errorf("%s %s does not link programs here: %w", driver, p.GCCFlag, err)
	}
	if err := links(ctx, driver, p); err != nil {
		return fmt.Errorf("%s %s does not link programs here although %s is installed: %w", driver, p.GCCFlag, strings.Join(packages, " "), err)
	}
	return nil
}

// gccTools asks gcc and what it runs for their versions. A distribution's
// update of one of them changes what is built.
func gccTools(ctx context.Context) (versions []string, err error) {
	for _, tool := range []string{"gcc", "as", "ld"} {
		path := tool
		if tool != "gcc" {
			out, err := run.Command{Name: "gcc", Args: []string{"-print-prog-name=" + tool}, Unset: Ambient}.Run(ctx)
			if err != nil {
				return nil, err
			}
			path = strings.TrimSpace(out)
		}
		version, err := VersionLine(ctx, path)
		if err != nil {
			return nil, err
		}
		versions = append(versions, version)
	}
	return versions, nil
}

// VersionLine returns the first line of what a program says of its version.
func VersionLine(ctx context.Context, program string) (string, error) {
	out, err := run.Command{Name: program, Args: []string{"--version"}, Env: []string{"LC_ALL=C"}, Unset: Ambient}.Run(ctx)
	line, _, _ := strings.Cut(out, "\n")
	return line, err
}

// languages are what gcc and g++ compile, in their own words.
var languages = map[string]string{"gcc": "c", "g++": "c++"}

// links tries whether gcc or g++ can link a program, its library included.
func links(ctx context.Context, driver string, p *platform.Platform) error {
	dir, err := os.MkdirTemp("", "avirkit-gcc-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	_, err = run.Command{
		Name:  driver,
		Unset: Ambient,
		Args:  []string{p.GCCFlag, "-x", languages[driver], "-o", filepath.Join(dir, "a.out"), "-"},
		// errno.h takes the kernel's headers, which gcc-multilib links for it.
		Stdin: strings.NewReader("#include <errno.h>\n#include <stdlib.h>\nint main(void) { return abs(errno); }\n"),
	}.Run(ctx)
	return err
}

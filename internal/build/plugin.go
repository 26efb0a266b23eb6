package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/audit"
	"github.com/avirkit/avirkit/internal/lldmend"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/versions"
)

// Plugin is a Go plugin to build.
type Plugin struct {
	Name string // avir_NAME, the file name without .so
	Dir  string // its package main, in the checkout
}

// Plugins are the plugins that a build makes: each folder of plugins that
// holds a package main. The library of plugins/NAME is avir_NAME.so.
func Plugins(root string) ([]Plugin, error) {
	mains, err := filepath.Glob(filepath.Join(root, "plugins", "*", "main.go"))
	if err != nil {
		return nil, err
	}
	var found []Plugin
	for _, path := range mains {
		name := filepath.Base(filepath.Dir(path))
		found = append(found, Plugin{Name: "avir_" + name, Dir: "plugins/" + name})
	}
	if len(found) == 0 {
		return nil, errors.New("no plugins/NAME/main.go: is the checkout complete?")
	}
	return found, nil
}

// export is the only symbol that a plugin shows to the host.
const export = "get_plugin_extended_iface"

// exportScript is the linker's version script that hides all but the entry
// point: two Go libraries in one process would else bind to each other.
func (b *builder) exportScript() string { return filepath.Join(b.Root, "api", "abi", "exports.map") }

// Policy is what the audit demands of every library.
func Policy() audit.Policy {
	return audit.Policy{
		GlibcFloor:  versions.GlibcFloor,
		KernelFloor: versions.KernelFloor,
		GoVersion:   versions.TargetGo,
		Exports:     []string{export},
	}
}

// Library is what the manifest tells of a plugin.
type Library struct {
	Name   string        `json:"name"`
	Mended int           `json:"mended_places"`
	Audit  *audit.Report `json:"audit"`
}

// plugin builds, mends, strips and audits one plugin in the stage folder.
func (b *builder) plugin(ctx context.Context, p Plugin) (*Library, error) {
	l := &Library{Name: p.Name}
	err := run.Step(ctx, "build "+p.Name+".so", nil, func(ctx context.Context) (string, error) {
		work := filepath.Join(b.stage, "work", p.Name)
		full := filepath.Join(work, p.Name+".so")
		objects := filepath.Join(work, "objects")
		if err := os.MkdirAll(objects, 0o755); err != nil {
			return "", err
		}
		if err := b.compile(ctx, p, full, objects); err != nil {
			return "", err
		}
		if b.tc.Mend {
			r, err := mendLinked(full, objects)
			if err != nil {
				return "", err
			}
			l.Mended = r.Mended
		}
		stripped := filepath.Join(work, "stripped", p.Name+".so")
		if err := b.split(ctx, full, stripped); err != nil {
			return "", err
		}
		report, err := audit.File(stripped, Policy())
		if err != nil {
			return "", err
		}
		l.Audit = report
		if err := report.Err(); err != nil {
			return "", fmt.Errorf("the audit refuses it: %w", err)
		}
		if err := os.Rename(stripped, filepath.Join(b.stage, Dir386, p.Name+".so")); err != nil {
			return "", err
		}
		detail := "audit passed"
		if l.Mended > 0 {
			detail += fmt.Sprintf(", %d places mended", l.Mended)
		}
		return detail, nil
	})
	return l, err
}

// mendLinked mends a library whose link left its objects in a folder.
func mendLinked(library, objects string) (lldmend.Result, error) {
	all, err := filepath.Glob(filepath.Join(objects, "*.o"))
	if err != nil {
		return lldmend.Result{}, err
	}
	goObject := filepath.Join(objects, "go.o")
	var others []string
	for _, o := range all {
		if o != goObject {
			others = append(others, o)
		}
	}
	return lldmend.Mend(library, goObject, others...)
}

// compile makes the library at out with all symbols; the linker leaves the
// object files, Go's own go.o among them, in objects.
func (b *builder) compile(ctx context.Context, p Plugin, out, objects string) error {
	if strings.ContainsAny(b.stage, " \t'\"") {
		return errors.New("the checkout's path has blanks or quotes, which the Go linker can't pass on: move it")
	}
	_, err := b.goBuild(p, out, objects, b.exportScript()).Run(ctx)
	return err
}

// goBuild is the command that links plugin p.
func (b *builder) goBuild(p Plugin, out, objects, script string) run.Command {
	extld := append([]string{"-Wl,--version-script=" + script, "-Wl,--build-id=sha1"}, b.tc.LinkFlags...)
	ld := []string{
		"-buildid=", "-bindnow", "-linkmode=external", "-tmpdir=" + objects,
		"-X=main.version=" + b.version(),
		"'-extldflags=" + strings.Join(extld, " ") + "'",
	}
	args := append([]string{"build", "-buildmode=c-shared", "-o", out, "-ldflags=" + strings.Join(ld, " ")}, goFlags()...)
	return run.Command{
		Name: "go",
		Args: append(args, "./"+filepath.Base(p.Dir)),
		Dir:  filepath.Join(b.Root, filepath.Dir(p.Dir)),
		Env:  append(b.cgoEnv(), b.tc.Env(p.Name)...),
	}
}

// goFlags make a build that tells nothing of this machine. The tags keep the
// resolver and the name service of glibc out of the host's process.
func goFlags() []string {
	return []string{"-trimpath", "-buildvcs=false", "-tags=netgo,osusergo"}
}

// goEnv is the environment of the go command for arch: the Go release of the
// target systems, and none of the user's settings that would change the
// result.
func goEnv(arch string) []string {
	return []string{
		"GOTOOLCHAIN=" + versions.TargetGo,
		"GOOS=linux", "GOARCH=" + arch, "GO386=sse2", "GOAMD64=v1",
		"GOFLAGS=", "GOWORK=off", "GOEXPERIMENT=", "CGO_ENABLED=0",
	}
}

// cgoEnv is goEnv for a library of target systems.
func (b *builder) cgoEnv() []string {
	return append(goEnv("386"),
		"CGO_ENABLED=1",
		"CC="+strings.Join(b.tc.CC, " "),
		"CGO_CFLAGS=-O2 -g", "CGO_CPPFLAGS=", "CGO_LDFLAGS=", "CGO_CFLAGS_ALLOW=", "CGO_LDFLAGS_ALLOW=",
	)
}

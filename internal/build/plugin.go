package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/build/audit"
	"github.com/avirkit/avirkit/internal/build/lldmend"
	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/versions"
)

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
	goObject := filepath.Join(objects, "go.o")
	var others []string
	for _, o := range matching(objects, "*.o") {
		if o != goObject {
			others = append(others, o)
		}
	}
	return lldmend.Mend(library, goObject, others...)
}

// compile makes the library at out with all symbols; the linker leaves the
// object files, Go's own go.o among them, in objects.
func (b *builder) compile(ctx context.Context, p Plugin, out, objects string) error {
	_, err := b.goBuild(p, out, objects, b.exportScript()).Run(ctx)
	return err
}

// goBuild is the command that links plugin p.
func (b *builder) goBuild(p Plugin, out, objects, script string) run.Command {
	ld := append(b.goLinkFlags(), "-tmpdir="+objects, "'-extldflags="+strings.Join(b.linkFlags(script), " ")+"'")
	args := append([]string{"build", "-buildmode=c-shared", "-o", out, "-ldflags=" + strings.Join(ld, " ")}, goFlags()...)
	return run.Command{
		Name:  "go",
		Args:  append(args, "./"+filepath.Base(p.Dir)),
		Dir:   filepath.Join(b.Root, filepath.Dir(p.Dir)),
		Env:   append(b.cgoEnv(), b.tc.Env(p.Name)...),
		Unset: toolchain.Ambient,
	}
}

// goLinkFlags are the flags of Go's own linker for a plugin.
func (b *builder) goLinkFlags() []string {
	return []string{"-buildid=", "-bindnow", "-linkmode=external", "-X=main.version=" + b.version()}
}

// linkFlags are the flags with which the toolchain links a plugin.
func (b *builder) linkFlags(script string) []string {
	return append([]string{"-Wl,--version-script=" + script, "-Wl,--build-id=sha1"}, b.tc.LinkFlags...)
}

// tags keep the resolver and the name service of glibc out of the host's
// process.
const tags = "netgo,osusergo"

// goFlags make a build that tells nothing of this machine.
func goFlags() []string {
	return []string{"-trimpath", "-buildvcs=false", "-tags=" + tags}
}

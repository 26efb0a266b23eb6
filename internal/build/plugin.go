package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
		GoVersion: versions.TargetGo,
		Exports:   []string{export},
	}
}

// Library is what the manifest tells of a plugin.
type Library struct {
	Platform string        `json:"platform"`
	Name     string        `json:"name"`
	Mended   int           `json:"mended_places"`
	Audit    *audit.Report `json:"audit"`
}

// plugin builds, mends, strips and audits one plugin in the stage folder, and
// tells about it in l.
func (t *target) plugin(ctx context.Context, p Plugin, l *Library) error {
	return run.Step(ctx, t.step(p.Name+".so"), nil, func(ctx context.Context) (string, error) {
		work := filepath.Join(t.work(), p.Name)
		full := filepath.Join(work, p.Name+".so")
		objects := filepath.Join(work, "objects")
		if err := os.MkdirAll(objects, 0o755); err != nil {
			return "", err
		}
		var err error
		if p.c != nil {
			err = t.buildC(ctx, p, full, objects)
		} else {
			l.Mended, err = t.buildGo(ctx, p, full, work, objects)
		}
		if err != nil {
			return "", t.explainMissing(err)
		}
		stripped := filepath.Join(t.stage, "stripped", t.platform.Name, p.Name+".so")
		if err := t.split(ctx, full, stripped); err != nil {
			return "", err
		}
		if l.Audit, err = audit.File(stripped, Policy()); err != nil {
			return "", err
		}
		if err := l.Audit.Err(); err != nil {
			return "", fmt.Errorf("the audit refuses it: %w", err)
		}
		if err := t.judgeEnds(p, l.Audit, objects); err != nil {
			return "", err
		}
		if err := t.linkByID(stripped, l.Audit.BuildID); err != nil {
			return "", err
		}
		if err := os.Rename(stripped, t.staged(p.Name+".so")); err != nil {
			return "", err
		}
		detail := "audit passed"
		if l.Mended > 0 {
			detail += fmt.Sprintf(", %d places mended", l.Mended)
		}
		return detail, nil
	})
}

// judgeEnds refuses a plugin whose own code in C ends the host's process, and
// prints what the audit warns of.
func (t *target) judgeEnds(p Plugin, report *audit.Report, objects string) error {
	refused, warned, err := report.Ends(matching(objects, "*.o")...)
	if err != nil {
		return err
	}
	if len(refused) > 0 {
		return fmt.Errorf("it may end the host's process: %s: return a failure instead", strings.Join(refused, ", "))
	}
	if p.c == nil {
		warned = nil // Go's own runtime calls abort where it has lost itself
	}
	for _, f := range report.Findings {
		if f.Severity == audit.Warning {
			warned = append(warned, f.String())
		}
	}
	for _, line := range warned {
		run.Printf("  !! %s/%s.so: %s", t.platform, p.Name, line)
	}
	return nil
}

// mend corrects what LLD made of a library, whose link left its objects in a
// folder, and returns in how many places. Where nothing needs mending, the
// objects must prove that.
func (t *target) mend(library, objects string) (places int, err error) {
	if !t.compiler.LLD {
		return 0, nil
	}
	all := matching(objects, "*.o")
	if !t.platform.MisplacedTLS {
		if len(all) == 0 {
			return 0, fmt.Errorf("the link left no objects in %s", objects)
		}
		return 0, lldmend.RefuseComposed(all...)
	}
	goObject := filepath.Join(objects, "go.o")
	others := slices.DeleteFunc(all, func(o string) bool { return o == goObject })
	return lldmend.Mend(library, goObject, others...)
}

// buildGo links a plugin in Go into out, and mends it.
func (t *target) buildGo(ctx context.Context, p Plugin, out, work, objects string) (mended int, err error) {
	runtime, err := t.cgoRuntime(ctx, p, work)
	if err != nil {
		return 0, err
	}
	if _, err := t.goBuild(p, out, objects, t.exportScript(), runtime...).Run(ctx); err != nil {
		return 0, err
	}
	return t.mend(out, objects)
}

// goBuild is the command that links plugin p into out, with all symbols; the
// linker leaves the object files, Go's own go.o among them, in objects.
func (t *target) goBuild(p Plugin, out, objects, script string, runtime ...string) run.Command {
	ld := append(t.goLinkFlags(), "-tmpdir="+objects, "'-extldflags="+strings.Join(append(runtime, t.linkFlags(script)...), " ")+"'")
	args := append([]string{"build", "-buildmode=c-shared", "-o", out, "-ldflags=" + strings.Join(ld, " ")}, goFlags()...)
	return t.goCommand(p, args...)
}

// goCommand is a command of the go command about a plugin.
func (t *target) goCommand(p Plugin, args ...string) run.Command {
	dir, pkg := filepath.Join(t.Root, filepath.Dir(p.Dir)), "./"+filepath.Base(p.Dir)
	if filepath.IsAbs(p.Dir) {
		dir, pkg = p.Dir, "." // a module of its own
	}
	return run.Command{
		Name:  "go",
		Args:  append(args, pkg),
		Dir:   dir,
		Env:   append(t.cgoEnv(), t.jobEnv(p.Name)...),
		Unset: toolchain.Ambient,
	}
}

// goLinkFlags are the flags of Go's own linker for a plugin.
func (b *builder) goLinkFlags() []string {
	return []string{"-buildid=", "-bindnow", "-linkmode=external", "-X=main.version=" + b.version()}
}

// linkFlags are the flags with which the toolchain links a plugin.
func (t *target) linkFlags(script string) []string {
	return append([]string{"-Wl,--version-script=" + script, "-Wl,--build-id=sha1"}, t.compiler.LinkFlags...)
}

// Tags keep the resolver and the name service of glibc out of the host's
// process.
const Tags = "netgo,osusergo"

// goFlags make a build that tells nothing of this machine.
func goFlags() []string {
	return []string{"-trimpath", "-buildvcs=false", "-tags=" + Tags}
}

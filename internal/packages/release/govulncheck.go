package release

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/run"
)

// lookupLimit bounds a look into a vulnerability database of the network, which
// may be out of reach. It includes the time to read the code, a minute.
const lookupLimit = 5 * time.Minute

// shippedPackages are what a release holds in Go, by module of ours.
var shippedPackages = map[string][]string{"plugins": {"./clam", "./sample", "./clam/cmd/fakeclamd"}, "harness": {".", "./avirctl"}}

// packagesIn returns all packages that a module's part of a release is built
// from, on any platform.
func packagesIn(ctx context.Context, root, module string, env []string) (map[string]bool, error) {
	all := map[string]bool{}
	for _, p := range platform.All {
		out, err := run.Command{
			Name: "go", Args: append([]string{"list", "-deps", "-tags=" + build.Tags}, shippedPackages[module]...), Dir: filepath.Join(root, module),
			Env: append(slices.Clone(env), "GOARCH="+p.GOARCH),
		}.Run(ctx)
		if err != nil {
			return nil, fmt.Errorf("list what %s is built from: %w", module, err)
		}
		for _, path := range strings.Fields(out) {
			all[strings.TrimPrefix(path, "vendor/")] = true
		}
	}
	return all, nil
}

// govulncheck returns what a database says of what is shipped.
func govulncheck(ctx context.Context, root, db string) (found []*vulnerability, err error) {
	if !strings.HasPrefix(db, "file:") {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, lookupLimit, fmt.Errorf("the database did not answer within %s", lookupLimit))
		defer cancel()
	}
	program, err := run.Command{Name: "go", Args: []string{"tool", "-n", "govulncheck"}, Dir: root, Env: []string{"GOWORK=off", "GOFLAGS=-buildvcs=false"}}.Run(ctx)
	if err != nil {
		return nil, err
	}
	env, err := build.TargetGo(ctx, root)
	if err != nil {
		return nil, err
	}
	env = append(env, "GOOS=linux", "CGO_ENABLED=1")
	for _, module := range slices.Sorted(maps.Keys(shippedPackages)) {
		built, err := packagesIn(ctx, root, module, env)
		if err != nil {
			return nil, err
		}
		args := []string{"-format=json", "-tags=" + build.Tags}
		if db != "" {
			args = append(args, "-db="+db)
		}
		// C calls into a plugin, which govulncheck can't see: whatever our packages
		// export counts as called.
		for path := range built {
			if strings.HasPrefix(path, ourPath) {
				args = append(args, path)
			}
		}
		out, err := run.Command{
			Name: strings.TrimSpace(program), Args: args, Dir: filepath.Join(root, module), Env: append(slices.Clone(env), "GOARCH=amd64"),
		}.Run(ctx)
		if err != nil {
			return nil, err
		}
		if found, err = readFindings(found, module, out); err != nil {
			return nil, err
		}
		doubt(found, notLinked, mayBeIn(module, built))
	}
	return found, nil
}

// readFindings adds what govulncheck has printed of a module to found.
func readFindings(found []*vulnerability, module, out string) ([]*vulnerability, error) {
	for messages := json.NewDecoder(bytes.NewBufferString(out)); ; {
		var m struct {
			OSV *struct {
				ID       string
				Aliases  []string
				Affected []struct {
					Specific struct {
						Imports []struct{ Path string }
					} `json:"ecosystem_specific"`
				}
			}
			Finding *struct {
				OSV   string
				Trace []struct{ Module, Version, Package, Function string }
			}
		}
		if err := messages.Decode(&m); errors.Is(err, io.EOF) {
			return found, nil
		} else if err != nil {
			return nil, fmt.Errorf("read what govulncheck says: %w", err)
		}
		switch {
		case m.OSV != nil:
			if slices.ContainsFunc(found, func(v *vulnerability) bool { return v.id == m.OSV.ID }) {
				continue
			}
			v := &vulnerability{id: m.OSV.ID, aliases: m.OSV.Aliases, found: map[string]finding{}}
			for _, a := range m.OSV.Affected {
				for _, i := range a.Specific.Imports {
					v.packages = append(v.packages, i.Path)
				}
			}
			found = append(found, v)
		case m.Finding != nil && len(m.Finding.Trace) > 0:
			last := m.Finding.Trace[0]
			near := notLinked
			if last.Function != "" {
				near = called
			} else if last.Package != "" {
				near = linked
			}
			for _, v := range found {
				if v.id == m.Finding.OSV {
					v.found[module] = finding{max(v.found[module].reach, near), last.Module + "@" + last.Version}
				}
			}
		}
	}
}

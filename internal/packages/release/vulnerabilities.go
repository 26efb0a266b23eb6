package release

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/run"
)

//go:embed advisories.yml
var advisoriesYML []byte

// advisory is an entry of advisories.yml.
type advisory struct {
	ID       string
	Packages map[string][]string
	Because  string
}

// lookupLimit bounds a look into a vulnerability database of the network, which
// may be out of reach. It includes the time to read the code, a minute.
const lookupLimit = 5 * time.Minute

// shippedPackages are what a release holds in Go, by module of ours.
var shippedPackages = map[string][]string{"plugins": {"./clam", "./sample", "./clam/cmd/fakeclamd"}, "harness": {".", "./avirctl"}}

// ourPath is what the paths of all modules of this project begin with.
const ourPath = "github.com/avirkit/avirkit/"

// reach says how near a program comes to the code that an advisory is about.
type reach int

const (
	notLinked reach = iota // it is built without the package
	linked                 // and nothing calls the code
	unknown                // it has the package, and nobody has told which code is meant
	called
)

// vulnerability is an advisory that Go's release or a module that it uses
// matches.
type vulnerability struct {
	id       string
	aliases  []string
	packages []string           // that it is about
	found    map[string]finding // by module of ours
	because  string             // why it does not concern us, as a person has judged
}

// finding is what an advisory means for a module of ours.
type finding struct {
	reach  reach
	module string // the one that has the fault, as scanners name it
}

// vulnerabilities looks for known vulnerabilities in what is shipped with
// govulncheck, which follows the calls. Where its database is out of reach it
// takes the table of this checkout; remarks say so. db is empty for the
// public database.
func vulnerabilities(ctx context.Context, root, db string) (found []*vulnerability, remarks []string, err error) {
	var table []advisory
	if err := yaml.Unmarshal(advisoriesYML, &table); err != nil {
		return nil, nil, fmt.Errorf("advisories.yml: %w", err)
	}
	found, err = govulncheck(ctx, root, db)
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if err != nil {
		reason := strings.Split(strings.TrimSpace(err.Error()), "\n")
		remarks = append(remarks, "known vulnerabilities were NOT looked up, only compared with the table of this checkout: "+strings.TrimSpace(reason[len(reason)-1]))
		dir, err := os.MkdirTemp("", "avirkit-advisories-")
		if err != nil {
			return nil, nil, fmt.Errorf("make a folder for the table of advisories: %w", err)
		}
		defer os.RemoveAll(dir)
		if err := asDatabase(table, dir); err != nil {
			return nil, nil, err
		}
		if found, err = govulncheck(ctx, root, "file://"+dir); err != nil {
			return nil, nil, err
		}
		distrust(found)
	}
	for _, a := range table {
		if a.Because == "" {
			continue
		}
		i := slices.IndexFunc(found, func(v *vulnerability) bool { return v.id == a.ID || slices.Contains(v.aliases, a.ID) })
		if i < 0 {
			found = append(found, &vulnerability{id: a.ID, found: map[string]finding{}})
			i = len(found) - 1
		}
		found[i].because = a.Because
	}
	slices.SortFunc(found, func(a, b *vulnerability) int { return strings.Compare(a.id, b.id) })
	var open []string
	for _, v := range found {
		for _, f := range v.found {
			if f.reach == called && v.because == "" {
				open = append(open, v.id)
				break
			}
		}
	}
	if len(open) > 0 {
		return nil, nil, fmt.Errorf("what is shipped calls code with known vulnerabilities, %s: correct it, or tell in internal/packages/release/advisories.yml why it does not concern us", strings.Join(open, ", "))
	}
	return found, remarks, nil
}

// distrust takes the table's word for which package an advisory is about, but not
// for which code of it: the table was written from memory.
func distrust(found []*vulnerability) {
	for _, v := range found {
		for module, f := range v.found {
			if f.reach == linked {
				f.reach = unknown
				v.found[module] = f
			}
		}
	}
}

// doubt leaves "not linked" only where the build shows it.
func doubt(found []*vulnerability, module string, built map[string]bool) {
	for _, v := range found {
		f, matches := v.found[module]
		in := func(path string) bool { return built[path] }
		if matches && f.reach == notLinked && (len(v.packages) == 0 || slices.ContainsFunc(v.packages, in)) {
			f.reach = unknown
			v.found[module] = f
		}
	}
}

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

// asDatabase writes the table in the form of a vulnerability database.
func asDatabase(table []advisory, dir string) error {
	type object = map[string]any
	for _, a := range table {
		if len(a.Packages) == 0 {
			continue
		}
		var imports []object
		for _, path := range slices.Sorted(maps.Keys(a.Packages)) {
			imports = append(imports, object{"path": path, "symbols": a.Packages[path]})
		}
		entry, err := json.Marshal(object{"schema_version": "1.3.1", "id": a.ID, "modified": "2026-01-01T00:00:00Z", "affected": []object{{
			"package":            object{"name": "stdlib", "ecosystem": "Go"},
			"ranges":             []object{{"type": "SEMVER", "events": []object{{"introduced": "0"}}}},
			"ecosystem_specific": object{"imports": imports},
		}}})
		if err != nil {
			return err
		}
		if err := atomicdir.WriteFile(filepath.Join(dir, a.ID+".json"), entry, 0o644); err != nil {
			return err
		}
	}
	return nil
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
		doubt(found, module, built)
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

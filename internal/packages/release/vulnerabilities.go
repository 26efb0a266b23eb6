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

// lookupLimit bounds a look into the vulnerability database, which may be out
// of reach.
const lookupLimit = 2 * time.Minute

// shippedPackages are what packages hold, by module: the plugins, and avirctl.
var shippedPackages = map[string][]string{"plugins": {"./clam", "./sample"}, "harness": {"./avirctl"}}

// reach says how near a program comes to the code that an advisory is about.
type reach int

const (
	notLinked reach = iota
	linked
	called
)

// vulnerability is an advisory that Go's release or a module of ours matches.
type vulnerability struct {
	id      string
	aliases []string
	reach   map[string]reach // by module of ours
	because string           // why it does not concern us, as a person has judged
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
	}
	for _, a := range table {
		if a.Because == "" {
			continue
		}
		i := slices.IndexFunc(found, func(v *vulnerability) bool { return v.id == a.ID || slices.Contains(v.aliases, a.ID) })
		if i < 0 {
			found = append(found, &vulnerability{id: a.ID, reach: map[string]reach{}})
			i = len(found) - 1
		}
		found[i].because = a.Because
	}
	slices.SortFunc(found, func(a, b *vulnerability) int { return strings.Compare(a.id, b.id) })
	var open []string
	for _, v := range found {
		if v.because == "" && slices.Contains(slices.Collect(maps.Values(v.reach)), called) {
			open = append(open, v.id)
		}
	}
	if len(open) > 0 {
		return nil, nil, fmt.Errorf("what is shipped calls code with known vulnerabilities, %s: correct it, or tell in internal/packages/release/advisories.yml why it does not concern us", strings.Join(open, ", "))
	}
	return found, remarks, nil
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
	ctx, cancel := context.WithTimeoutCause(ctx, lookupLimit, fmt.Errorf("the database did not answer within %s", lookupLimit))
	defer cancel()
	program, err := run.Command{Name: "go", Args: []string{"tool", "-n", "govulncheck"}, Dir: root, Env: []string{"GOWORK=off", "GOFLAGS=-buildvcs=false"}}.Run(ctx)
	if err != nil {
		return nil, err
	}
	env, err := build.TargetGo(ctx, root)
	if err != nil {
		return nil, err
	}
	for _, module := range slices.Sorted(maps.Keys(shippedPackages)) {
		args := []string{"-format=json", "-tags=netgo"}
		if db != "" {
			args = append(args, "-db="+db)
		}
		out, err := run.Command{
			Name: strings.TrimSpace(program), Args: append(args, shippedPackages[module]...), Dir: filepath.Join(root, module),
			Env: append(slices.Clone(env), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=1"),
		}.Run(ctx)
		if err != nil {
			return nil, err
		}
		if found, err = readFindings(found, module, out); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// readFindings adds what govulncheck has printed of a module to found.
func readFindings(found []*vulnerability, module, out string) ([]*vulnerability, error) {
	for messages := json.NewDecoder(bytes.NewBufferString(out)); ; {
		var m struct {
			OSV *struct {
				ID      string
				Aliases []string
			}
			Finding *struct {
				OSV   string
				Trace []struct{ Package, Function string }
			}
		}
		if err := messages.Decode(&m); errors.Is(err, io.EOF) {
			return found, nil
		} else if err != nil {
			return nil, fmt.Errorf("read what govulncheck says: %w", err)
		}
		switch {
		case m.OSV != nil:
			if !slices.ContainsFunc(found, func(v *vulnerability) bool { return v.id == m.OSV.ID }) {
				found = append(found, &vulnerability{id: m.OSV.ID, aliases: m.OSV.Aliases, reach: map[string]reach{}})
			}
		case m.Finding != nil && len(m.Finding.Trace) > 0:
			near := notLinked
			if last := m.Finding.Trace[0]; last.Function != "" {
				near = called
			} else if last.Package != "" {
				near = linked
			}
			for _, v := range found {
				if v.id == m.Finding.OSV {
					v.reach[module] = max(v.reach[module], near)
				}
			}
		}
	}
}

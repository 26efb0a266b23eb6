package release

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/avirkit/avirkit/internal/atomicdir"
)

//go:embed advisories.yml
var advisoriesYML []byte

// advisory is an entry of advisories.yml.
type advisory struct {
	ID       string
	Packages map[string][]string
	Because  string
}

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
		doubt(found, linked, fromMemory)
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

// doubt makes unknown again what govulncheck concludes, where that is doubtful.
func doubt(found []*vulnerability, conclusion reach, doubtful func(v *vulnerability, module string) bool) {
	for _, v := range found {
		for module, f := range v.found {
			if f.reach == conclusion && doubtful(v, module) {
				v.found[module] = finding{unknown, f.module}
			}
		}
	}
}

// fromMemory is for findings by the table of this checkout, which was written from
// memory: its word is taken for which package an advisory is about, but not for
// which code of it.
func fromMemory(*vulnerability, string) bool { return true }

// mayBeIn is for findings in a module that is built of these packages: an advisory
// is about code in it unless the build shows that its packages are missing.
func mayBeIn(module string, built map[string]bool) func(*vulnerability, string) bool {
	return func(v *vulnerability, of string) bool {
		return of == module && (len(v.packages) == 0 || slices.ContainsFunc(v.packages, func(path string) bool { return built[path] }))
	}
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

package release

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/avirkit/avirkit/internal/packages"
)

// vexDocument is an OpenVEX document: for scanners that flag the release of Go
// that the plugins are built with.
type vexDocument struct {
	Context    string         `json:"@context"`
	ID         string         `json:"@id"`
	Author     string         `json:"author"`
	Timestamp  string         `json:"timestamp"`
	Version    int            `json:"version"`
	Statements []vexStatement `json:"statements"`
}

type vexStatement struct {
	Vulnerability struct {
		Name    string   `json:"name"`
		Aliases []string `json:"aliases,omitempty"`
	} `json:"vulnerability"`
	Products        []vexProduct `json:"products"`
	Status          string       `json:"status"`
	StatusNotes     string       `json:"status_notes,omitempty"`
	Justification   string       `json:"justification,omitempty"`
	ImpactStatement string       `json:"impact_statement,omitempty"`
}

type vexProduct struct {
	ID            string      `json:"@id"`
	Subcomponents []vexModule `json:"subcomponents"`
}

type vexModule struct {
	ID string `json:"@id"`
}

// modulePath is how scanners name the Go modules of this project, which they
// find in the libraries and programs.
const modulePath = "pkg:golang/" + ourPath

// vex returns the document. "Not affected" stands only where the build or the
// calls in it show that; what a person has judged stands as a note. Known
// vulnerabilities of which neither is true stop the release.
func vex(o Options, known []*vulnerability, goRelease string) ([]byte, error) {
	data, err := packages.Load(o.Packages.Data)
	if err != nil {
		return nil, err
	}
	doc := vexDocument{
		Context: "https://openvex.dev/ns/v0.2.0", Author: data.Maintainer, Version: 1,
		Timestamp: o.Packages.Epoch.UTC().Format(time.RFC3339), Statements: []vexStatement{},
	}
	for _, v := range known {
		for _, module := range []string{"plugins", "harness"} {
			f, matches := v.found[module]
			if !matches {
				if v.because == "" {
					continue // of another release
				}
				f = finding{unknown, "stdlib@v" + goRelease} // not of a package, but of the compiler
			}
			name, version, _ := strings.Cut(f.module, "@")
			s := vexStatement{Products: []vexProduct{{modulePath + module, []vexModule{
				{"pkg:golang/" + name + "@" + version}, {"pkg:golang/" + name + "@" + strings.TrimPrefix(version, "v")},
			}}}}
			s.Vulnerability.Name, s.Vulnerability.Aliases = v.id, v.aliases
			where := strings.Join(v.packages, ", ")
			switch f.reach {
			case notLinked:
				s.Status, s.Justification = "not_affected", "vulnerable_code_not_present"
				s.ImpactStatement = "Built without " + where + "."
			case linked:
				s.Status, s.Justification = "not_affected", "vulnerable_code_not_in_execute_path"
				s.ImpactStatement = "Built with code of " + where + ", in which govulncheck finds no call of what is vulnerable."
			default:
				s.Status, s.StatusNotes = "under_investigation", v.because
				if v.because == "" {
					s.StatusNotes = "Built with code of " + where + ". Whether what is vulnerable is called was not looked up."
				}
			}
			doc.Statements = append(doc.Statements, s)
		}
	}
	unnamed, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("write the OpenVEX document: %w", err)
	}
	// The same content gets the same name.
	doc.ID = uuid.NewSHA1(uuid.NameSpaceOID, unnamed).URN()
	text, err := json.MarshalIndent(doc, "", "  ")
	return append(text, '\n'), err
}

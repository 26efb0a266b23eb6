package release

import (
	"encoding/json"
	"fmt"
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
	Justification   string       `json:"justification"`
	ImpactStatement string       `json:"impact_statement"`
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
const modulePath = "pkg:golang/github.com/avirkit/avirkit/"

// vex returns the document. All vulnerabilities in it are ones that do not
// concern the release: others stop it.
func vex(o Options, found []*vulnerability, goRelease string) ([]byte, error) {
	data, err := packages.Load(o.Packages.Data)
	if err != nil {
		return nil, err
	}
	doc := vexDocument{
		Context: "https://openvex.dev/ns/v0.2.0", Author: data.Maintainer, Version: 1,
		Timestamp: o.Packages.Epoch.UTC().Format(time.RFC3339), Statements: []vexStatement{},
	}
	for _, v := range found {
		for _, module := range []string{"plugins", "harness"} {
			near, matches := v.reach[module]
			if !matches && v.because == "" {
				continue // of another release
			}
			s := vexStatement{Status: "not_affected"}
			s.Vulnerability.Name, s.Vulnerability.Aliases = v.id, v.aliases
			s.Products = []vexProduct{{ID: modulePath + module, Subcomponents: []vexModule{{"pkg:golang/stdlib@v" + goRelease}, {"pkg:golang/stdlib@" + goRelease}}}}
			switch {
			case !matches: // not of a package, but of the compiler
				s.Justification, s.ImpactStatement = "vulnerable_code_not_present", v.because
			case near == called:
				s.Justification, s.ImpactStatement = "vulnerable_code_not_in_execute_path", v.because
			case near == linked:
				s.Justification, s.ImpactStatement = "vulnerable_code_not_in_execute_path", "The package is linked, and nothing calls the code in question."
			default:
				s.Justification, s.ImpactStatement = "vulnerable_code_not_present", "The package in question is not linked."
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

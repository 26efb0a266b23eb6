package machines

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/atomicdir"
)

// The parts of JUnit's XML that the harness writes and that are merged here.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Seconds    string          `xml:"time,attr"`
		Time       string          `xml:"timestamp,attr,omitempty"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Class   string `xml:"classname,attr"`
		Name    string `xml:"name,attr"`
		Seconds string `xml:"time,attr"`
		Rest    string `xml:",innerxml"` // what happened, as XML
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// count is how many tests a machine ran.
type count struct{ tests, failed, skipped int }

// writeJUnit writes junit.xml in dir: the steps of the machine as one suite,
// then the suites of every report of the harness that the machine left in dir,
// named after what they tested. Each tells the properties of what it ran on.
func writeJUnit(dir, machine string, steps []step, properties []junitProperty) (count, error) {
	all := junitSuites{Suites: []junitSuite{stepSuite(machine, steps)}}
	reports, err := filepath.Glob(filepath.Join(dir, "avir_*.xml"))
	if err != nil {
		return count{}, err
	}
	slices.Sort(reports)
	for _, path := range reports {
		data, err := os.ReadFile(path)
		if err != nil {
			return count{}, fmt.Errorf("read a report of the harness: %w", err)
		}
		var one junitSuites
		if err := xml.Unmarshal(data, &one); err != nil {
			return count{}, fmt.Errorf("read the report %s: %w", path, err)
		}
		label := strings.TrimSuffix(filepath.Base(path), ".xml")
		for _, s := range one.Suites {
			s.Name = machine + "." + label + "." + s.Name
			for i := range s.Cases {
				s.Cases[i].Class = s.Name
			}
			all.Suites = append(all.Suites, s)
		}
	}
	var c count
	for i, s := range all.Suites {
		all.Suites[i].Properties = append(s.Properties, properties...)
		c.tests += s.Tests
		c.failed += s.Failures + s.Errors
		c.skipped += s.Skipped
	}
	data, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return c, fmt.Errorf("write the report of %s: %w", machine, err)
	}
	return c, atomicdir.WriteFile(filepath.Join(dir, "junit.xml"), append([]byte(xml.Header), append(data, '\n')...), 0o644)
}

func stepSuite(machine string, steps []step) junitSuite {
	s := junitSuite{Name: machine + ".packages"}
	total := 0
	for _, step := range steps {
		c := junitCase{Class: s.Name, Name: step.name, Seconds: fmt.Sprintf("%d.000", step.seconds)}
		switch {
		case step.failed:
			s.Failures++
			c.Rest = element("failure", junitMessage{Message: step.name + " failed", Text: step.output})
		case step.skipped != "":
			s.Skipped++
			c.Rest = element("skipped", junitMessage{Message: step.skipped})
		}
		s.Tests++
		total += step.seconds
		s.Cases = append(s.Cases, c)
	}
	s.Seconds = fmt.Sprintf("%d.000", total)
	return s
}

// element writes a message as an XML element.
func element(name string, m junitMessage) string {
	var b strings.Builder
	// A struct of strings can always be written, and so can the builder.
	_ = xml.NewEncoder(&b).EncodeElement(m, xml.StartElement{Name: xml.Name{Local: name}})
	return b.String()
}

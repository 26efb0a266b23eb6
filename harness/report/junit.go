package report

import (
	"encoding/xml"
	"fmt"
	"path/filepath"
	"strings"
)

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Seconds string        `xml:"time,attr"`
	Failure *junitMessage `xml:"failure,omitempty"`
	Skipped *junitMessage `xml:"skipped,omitempty"`
	Output  string        `xml:"system-out,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Seconds  string      `xml:"time,attr"`
	Time     string      `xml:"timestamp,attr"`
	Cases    []junitCase `xml:"testcase"`
}

// WriteJUnit writes the report to a file, one suite for each test.
func (r *Report) WriteJUnit(path string) error {
	var suites []*junitSuite
	totals := map[string]float64{}
	for _, c := range r.Cases {
		if len(suites) == 0 || suites[len(suites)-1].Name != c.Test {
			suites = append(suites, &junitSuite{Name: c.Test, Time: r.Started.UTC().Format("2006-01-02T15:04:05")})
		}
		s := suites[len(suites)-1]
		j := junitCase{
			Class:   filepath.Base(r.Plugin) + "." + c.Test,
			Name:    c.Name,
			Seconds: fmt.Sprintf("%.3f", c.Time.Seconds()),
		}
		var text strings.Builder
		c.write(&text)
		switch c.Status {
		case Failed:
			s.Failures++
			j.Failure = &junitMessage{c.Saw, text.String()}
		case NotApplicable:
			s.Skipped++
			j.Skipped = &junitMessage{Message: c.Saw}
		default:
			j.Output = text.String()
		}
		s.Tests++
		totals[c.Test] += c.Time.Seconds()
		s.Seconds = fmt.Sprintf("%.3f", totals[c.Test])
		s.Cases = append(s.Cases, j)
	}
	data, err := xml.MarshalIndent(struct {
		XMLName xml.Name      `xml:"testsuites"`
		Suites  []*junitSuite `xml:"testsuite"`
	}{Suites: suites}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	return WriteFile(path, append([]byte(xml.Header), append(data, '\n')...))
}

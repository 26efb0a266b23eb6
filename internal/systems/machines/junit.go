package machines

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/avirkit/avirkit/internal/atomicdir"
)

// count is how many tests a machine ran.
type count struct{ tests, failed, skipped int }

// writeJUnit writes junit.xml in dir: the steps of the machine as one suite,
// then the suites of every report of the harness that the machine left in dir,
// named after what they tested. Each tells the properties of what it ran on.
func writeJUnit(dir, machine string, steps []step, properties []junit.Property) (count, error) {
	suites := []junit.Testsuite{stepSuite(machine, steps)}
	reports, err := filepath.Glob(filepath.Join(dir, "avir_*.xml"))
	if err != nil {
		return count{}, err
	}
	for _, path := range reports {
		data, err := os.ReadFile(path)
		if err != nil {
			return count{}, fmt.Errorf("read a report of the harness: %w", err)
		}
		var one junit.Testsuites
		if err := xml.Unmarshal(data, &one); err != nil {
			return count{}, fmt.Errorf("read the report %s: %w", path, err)
		}
		label := strings.TrimSuffix(filepath.Base(path), ".xml")
		for _, s := range one.Suites {
			s.Name = machine + "." + label + "." + s.Name
			for i := range s.Testcases {
				s.Testcases[i].Classname = s.Name
			}
			suites = append(suites, s)
		}
	}
	var all junit.Testsuites
	for _, s := range suites {
		s.Properties = &properties
		all.AddSuite(s)
	}
	text := strings.Builder{}
	text.WriteString(xml.Header)
	if err := all.WriteXML(&text); err != nil {
		return count{}, fmt.Errorf("write the report of %s: %w", machine, err)
	}
	return count{all.Tests, all.Failures + all.Errors, all.Skipped}, atomicdir.WriteFile(filepath.Join(dir, "junit.xml"), []byte(text.String()), 0o644)
}

func stepSuite(machine string, steps []step) junit.Testsuite {
	s := junit.Testsuite{Name: machine + ".packages"}
	total := 0
	for _, step := range steps {
		c := junit.Testcase{Classname: s.Name, Name: step.name, Time: fmt.Sprintf("%d.000", step.seconds)}
		switch {
		case step.failed:
			c.Failure = &junit.Result{Message: step.name + " failed", Data: step.output}
		case step.skipped != "":
			c.Skipped = &junit.Result{Message: step.skipped}
		}
		total += step.seconds
		s.AddTestcase(c)
	}
	s.Time = fmt.Sprintf("%d.000", total)
	return s
}

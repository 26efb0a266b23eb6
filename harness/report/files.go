package report

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// WriteJSON writes the report to a file.
func (r *Report) WriteJSON(path string) error {
	type line struct {
		Level string `json:"level"`
		Text  string `json:"text"`
	}
	type entry struct {
		Test     string  `json:"test"`
		Name     string  `json:"name"`
		Status   Status  `json:"status"`
		Did      string  `json:"did"`
		Expected string  `json:"expected,omitempty"`
		Saw      string  `json:"saw"`
		Advice   string  `json:"advice,omitempty"`
		Seconds  float64 `json:"seconds"`
		Log      []line  `json:"log,omitempty"`
	}
	out := struct {
		Plugin        string  `json:"plugin"`
		Started       string  `json:"started"`
		OK            bool    `json:"ok"`
		Passed        int     `json:"passed"`
		Failed        int     `json:"failed"`
		NotApplicable int     `json:"notApplicable"`
		Cases         []entry `json:"cases"`
	}{
		r.Plugin, r.Started.UTC().Format(time.RFC3339), r.OK(),
		r.Count(Passed), r.Count(Failed), r.Count(NotApplicable), []entry{},
	}
	for _, c := range r.Cases {
		e := entry{c.Test, c.Name, c.Status, c.Did, c.Expected, c.Saw, c.Advice, c.Time.Seconds(), nil}
		for _, l := range c.Log {
			e.Log = append(e.Log, line{l.Level, l.Text})
		}
		out.Cases = append(out.Cases, e)
	}
	data, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	return WriteFile(path, append(data, '\n'))
}

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

// WriteFile writes beside and renames, so that no reader sees half a report. A
// link stays and its target is written; what is no regular file, as a device or
// a pipe, is opened and written to.
func WriteFile(path string, data []byte) error {
	target, beside := Target(path)
	write := writeBeside
	if !beside {
		write = writeTo
	}
	if err := write(target, data); err != nil {
		return fmt.Errorf("write the report %s: %w", path, err)
	}
	return nil
}

// Target returns the file that a report at path would be written to, and
// whether it may be replaced by another file.
func Target(path string) (target string, beside bool) {
	for _, stream := range []string{"/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/"} {
		if strings.HasPrefix(path, stream) { // perhaps a file that others write to
			return path, false
		}
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil { // nothing there, unless it is a link to nothing
		_, err := os.Lstat(path)
		return path, err != nil
	}
	info, err := os.Stat(target)
	return target, err == nil && info.Mode().IsRegular()
}

func writeTo(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

func writeBeside(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".report-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}

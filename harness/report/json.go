package report

import (
	"encoding/json"
	"fmt"
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

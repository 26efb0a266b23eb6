package status

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// Status is what a status file says.
type Status struct {
	Version string
	Started time.Time
	Scans   map[string]float64 // by verdict
	Bytes   float64
	Repeats float64
	Median  time.Duration // upper bound of the histogram's bucket that half of the scans are below; 0 without scans
	Servers []Server      // by name
}

// Server is what it says of one clamd.
type Server struct {
	Name     string
	Up       bool
	Sessions int
	Tested   time.Time // zero if it was not
	Passed   bool
	Engine   string
	Database string
	Made     time.Time // its signatures; zero if unknown
}

// Parse reads the text of a status file.
func Parse(text []byte) (Status, error) {
	var parser expfmt.TextParser
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		// The error quotes the file, which may be one that nobody else may read.
		var at expfmt.ParseError
		errors.As(err, &at)
		return Status{}, fmt.Errorf("it is not in the Prometheus text format from line %d on", at.Line)
	}
	if families["avirkit_plugin_info"] == nil {
		return Status{}, fmt.Errorf("it has no avirkit_plugin_info: it is no status file of avirkit")
	}
	s := Status{Scans: map[string]float64{}}
	servers := map[string]*Server{}
	server := func(m *dto.Metric) *Server {
		name := label(m, "server")
		if servers[name] == nil {
			servers[name] = &Server{Name: name}
		}
		return servers[name]
	}
	for name, family := range families {
		for _, m := range family.Metric {
			v := value(m)
			switch name {
			case "avirkit_plugin_info":
				s.Version = label(m, "version")
			case "avirkit_start_time_seconds":
				s.Started = at(v)
			case "avirkit_scans_total":
				s.Scans[label(m, "verdict")] = v
			case "avirkit_scanned_bytes_total":
				s.Bytes = v
			case "avirkit_scan_duration_seconds":
				s.Median = median(m.GetHistogram())
			case "avirkit_scan_repetitions_total":
				s.Repeats = v
			case "avirkit_server_up":
				server(m).Up = v == 1
			case "avirkit_server_sessions":
				server(m).Sessions = int(v)
			case "avirkit_server_selftest_time_seconds":
				server(m).Tested = at(v)
			case "avirkit_server_selftest_success":
				server(m).Passed = v == 1
			case "avirkit_server_info":
				server(m).Engine, server(m).Database = label(m, "engine"), label(m, "database")
			case "avirkit_server_database_time_seconds":
				server(m).Made = at(v)
			}
		}
	}
	for _, found := range servers {
		s.Servers = append(s.Servers, *found)
	}
	sort.Slice(s.Servers, func(i, j int) bool { return s.Servers[i].Name < s.Servers[j].Name })
	return s, nil
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.Label {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

func value(m *dto.Metric) float64 {
	if m.Counter != nil {
		return m.Counter.GetValue()
	}
	return m.Gauge.GetValue()
}

// at is a time in seconds since 1970; 0 says that there is none.
func at(seconds float64) time.Time {
	if seconds <= 0 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0)
}

func median(h *dto.Histogram) time.Duration {
	for _, b := range h.GetBucket() {
		if h.GetSampleCount() > 0 && 2*b.GetCumulativeCount() >= h.GetSampleCount() {
			return time.Duration(b.GetUpperBound() * float64(time.Second))
		}
	}
	return 0
}

package statusfile

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/avirkit/avirkit/plugins/clam/clamd"
)

// text is the file's contents.
func (f *File) text(states []clamd.ServerState) string {
	var t text
	t.metric("avirkit_plugin_info", "gauge", "1, with the plugin's version.")
	t.sample("", labels("version", f.version), 1)
	t.metric("avirkit_start_time_seconds", "gauge", "When the plugin was started, in seconds since 1970.")
	t.sample("", "", seconds(f.started))
	t.metric("avirkit_scans_total", "counter", "Scans by their answer.")
	for i := range verdicts {
		t.sample("", labels("verdict", verdicts[i].label), float64(f.scans[i].Load()))
	}
	t.metric("avirkit_scanned_bytes_total", "counter", "Bytes of the files that were scanned.")
	t.sample("", "", float64(f.source.Bytes()))
	t.metric("avirkit_scan_duration_seconds", "histogram", "Time of a scan, with all repetitions.")
	sum := float64(f.nanos.Load()) / 1e9
	var count int64
	for i := range f.buckets {
		count += f.buckets[i].Load()
		le := "+Inf"
		if i < len(bounds) {
			le = number(bounds[i].Seconds())
		}
		t.sample("_bucket", labels("le", le), float64(count))
	}
	t.sample("_sum", "", sum)
	t.sample("_count", "", float64(count))
	t.metric("avirkit_scan_repetitions_total", "counter", "Scans that were begun again on another connection or server.")
	t.sample("", "", float64(f.source.Repeats()))

	for _, m := range []struct {
		name, help string
		value      func(s clamd.ServerState) float64
	}{
		{"avirkit_server_up", "1 if the server gets files, 0 if it is down.", func(s clamd.ServerState) float64 { return yes(s.Up) }},
		{"avirkit_server_sessions", "Open connections to the server.", func(s clamd.ServerState) float64 { return float64(s.Sessions) }},
		{"avirkit_server_selftest_time_seconds", "When the server was last tested, in seconds since 1970.", func(s clamd.ServerState) float64 { return seconds(s.Tested) }},
		{"avirkit_server_selftest_success", "1 if it passed its last test.", func(s clamd.ServerState) float64 { return yes(s.Passed) }},
		{"avirkit_server_database_time_seconds", "When its signatures were made, in seconds since 1970; 0 if it doesn't tell.", func(s clamd.ServerState) float64 { return seconds(s.Made) }},
	} {
		t.metric(m.name, "gauge", m.help)
		for _, s := range states {
			t.sample("", labels("server", s.Name), m.value(s))
		}
	}
	t.metric("avirkit_server_info", "gauge", "1, with the versions of clamd and of its signatures.")
	for _, s := range states {
		t.sample("", labels("server", s.Name, "engine", s.Engine, "database", s.Database), 1)
	}
	return t.String()
}

// text builds a file of metrics.
type text struct {
	strings.Builder
	name string
}

// metric begins the samples of a metric.
func (t *text) metric(name, kind, help string) {
	t.name = name
	fmt.Fprintf(t, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

func (t *text) sample(suffix, labels string, value float64) {
	t.WriteString(t.name + suffix + labels + " " + number(value) + "\n")
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// escape is what a label's value needs.
var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// labels writes names and values.
func labels(pairs ...string) string {
	var parts []string
	for i := 0; i < len(pairs); i += 2 {
		parts = append(parts, pairs[i]+`="`+escape.Replace(pairs[i+1])+`"`)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func yes(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// seconds since 1970; 0 for no time.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1e3
}

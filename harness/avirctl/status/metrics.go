// Package status reads what the plugin in the running server writes into the
// file of its option StatusFile: the Prometheus text format, with the metrics
// that docs/administrator.md lists.
package status

// Metric is one line of the guide's table.
type Metric struct {
	Name   string
	Type   string // counter, gauge or histogram
	Labels string // with commas
	Help   string
}

// Metrics are all that a status file has. A test compares them with the guide.
var Metrics = []Metric{
	{"avirkit_plugin_info", "gauge", "version", "1, with the plugin's version"},
	{"avirkit_start_time_seconds", "gauge", "", "when the plugin was started, in seconds since 1970"},
	{"avirkit_scans_total", "counter", "verdict", "scans by their answer: ok, virus, impossible, failed, error"},
	{"avirkit_scanned_bytes_total", "counter", "", "bytes of the files that were scanned"},
	{"avirkit_scan_duration_seconds", "histogram", "", "time of a scan, with all repetitions"},
	{"avirkit_scan_repetitions_total", "counter", "", "scans that were begun again on another connection or server"},
	{"avirkit_server_up", "gauge", "server", "1 if the server gets files, 0 if it is down"},
	{"avirkit_server_sessions", "gauge", "server", "open connections to the server"},
	{"avirkit_server_selftest_time_seconds", "gauge", "server", "when the server was last tested, in seconds since 1970"},
	{"avirkit_server_selftest_success", "gauge", "server", "1 if it passed its last test"},
	{"avirkit_server_info", "gauge", "server,engine,database", "1, with the versions of clamd and of its signatures"},
	{"avirkit_server_database_time_seconds", "gauge", "server", "when its signatures were made, in seconds since 1970"},
}

// Package api is what an antivirus vendor writes a plugin for Kerio Connect
// and Kerio Control against: implement Plugin and Scanner, register the plugin
// with abi.Register, build with -buildmode=c-shared. docs/vendor.md of the
// repository shows the whole of it and what can go wrong inside the host.
//
// There are three layers. Package abi is the host's C interface (avApi.h, the
// table, conversions, and guards for the process around the Go runtime). An
// internal package runs the plugin: init, threads, deadlines, panics. This
// package is what the author sees, and is pure Go.
//
// The host's table and what each slot becomes:
//
//	get_plugin_info          Plugin.Info, called once at registration
//	get_error_message        the error of the last Init, NewScanner or Close
//	set_plugin_config        Info.Options with the host's values, for the next Init
//	get_plugin_config        the same, as a list that belongs to the host
//	free_plugin_config       (none: frees that list)
//	plugin_init              Plugin.Init; the log callback becomes a Logger
//	plugin_close             cancels all scans, Scanner.Close for each, Plugin.Close
//	plugin_thread_init       Plugin.NewScanner; *context is a runtime/cgo.Handle
//	plugin_thread_close      cancels its scan, Scanner.Close; the handle is deleted
//	plugin_thread_test_file  Scanner.Scan with a deadline; Verdict, Result.Text
//	reserved1 to reserved4   NULL
//
// A plugin in another language needs none of this, only avApi.h.
package api

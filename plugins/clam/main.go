// Command clam is the plugin avir_clam: it scans with ClamAV's daemon, clamd.
// It is built as a C shared library.
package main

import "github.com/avirkit/avirkit/api/abi"

func init() { abi.Register(&plugin{}) }

func main() {}

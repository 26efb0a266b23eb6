// Package main is the smallest Go library that a host would look at.
package main

import "C"

//export get_plugin_extended_iface
func get_plugin_extended_iface(version *C.uint) *byte {
	*version = 2
	return nil
}

func main() {}

// Package main asks a server by HTTP, as a plugin whose engine is behind it may.
package main

import "C"

import "net/http"

//export get_plugin_extended_iface
func get_plugin_extended_iface(version *C.uint) *byte {
	go func() { _, _ = http.Get("http://127.0.0.1/") }()
	return nil
}

func main() {}

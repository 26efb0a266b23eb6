// Package main calls what ends the host's process or takes its signals.
package main

import "C"

import (
	"log"
	"os"
	"os/signal"
	"syscall"
)

//export get_plugin_extended_iface
func get_plugin_extended_iface(version *C.uint) *byte {
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	switch *version {
	case 0:
		os.Exit(1)
	case 1:
		log.Fatal("version 1")
	case 2:
		log.New(os.Stderr, "", 0).Fatalf("version %d", *version)
	}
	later()
	variable(3)
	return nil
}

//go:noinline
func later() { defer os.Exit(1) }

var variable = syscall.Exit

func main() {}

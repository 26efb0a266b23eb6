// Package abi puts the host's C interface, avApi.h, in front of an
// api.Plugin. It is the only cgo of the SDK. A plugin's package main is
//
//	func init() { abi.Register(&plugin{}) }
//	func main() {}
//
// and is built with -buildmode=c-shared for linux/386 and linux/amd64. Of the
// C files of this package table.c holds the host's table, and each other one
// keeps one harm of a Go runtime away from the process that it was loaded
// into. The Go files convert arguments and call package lifecycle.
package abi

// #cgo CFLAGS: -std=gnu99 -O2 -fvisibility=hidden
// #cgo LDFLAGS: -ldl
// #include "host.h"
import "C"

import (
	"errors"
	"runtime"
	"runtime/debug"
	"unsafe"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/api/internal/lifecycle"
	"github.com/avirkit/avirkit/api/internal/text"
)

// The Go runtime's settings inside the host, in place of the environment,
// which is hidden from it.
const (
	maxStack    = 4 << 20   // a runaway recursion dies at once instead of taking the machine's memory along
	memoryLimit = 192 << 20 // the collector works harder from here on
	gcPercent   = 25        // a first collection at 1 MB: the host's memory matters more than our speed
	processors  = 4
	// The host's threads scan inside Go by themselves. With a processor for each
	// of the usual 8, none waits until Go's monitor, which start.c makes slow,
	// takes a processor away from a thread in a system call.
	inlineProcessors = 8
)

// library is what Register made. Until then its Init fails with an error that
// tells the author to call Register.
var library = lifecycle.New(nil)

var registered bool

// This runs after the init functions of syscall and os, which raise the limit
// of open files, and before the plugin's.
func init() {
	debug.SetMaxStack(maxStack)
	debug.SetMemoryLimit(memoryLimit)
	debug.SetGCPercent(gcPercent)
	runtime.GOMAXPROCS(processors)
	C.avir_go_is_ready()
}

// Register makes plugin the one of this library. It must be called exactly
// once, from an init function of package main. It never panics: when it was
// not called, was called twice, or got a plugin that api.Validate refuses,
// the library loads, and the host's plugin_init gets the reason.
func Register(plugin api.Plugin) {
	if registered {
		library = lifecycle.Broken(errors.New("two plugins are registered: call abi.Register once"))
		return
	}
	registered = true
	library = lifecycle.New(plugin)
	info := library.Info()
	if info.Inline {
		runtime.GOMAXPROCS(inlineProcessors)
	}
	text.Copy(bytesOf(&C.avir_info.name[0], len(C.avir_info.name)), text.ASCII(info.Name()))
	text.Copy(bytesOf(&C.avir_info.description[0], len(C.avir_info.description)), text.ASCII(info.Description()))
}

// bytesOf returns size bytes of C memory as a slice, or none when p is nil or
// size is not positive.
func bytesOf(p *C.char, size int) []byte {
	if p == nil || size <= 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(p)), size)
}

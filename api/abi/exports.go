package abi

// #include "host.h"
import "C"

import (
	"runtime/cgo"
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/api/internal/lifecycle"
	"github.com/avirkit/avirkit/api/internal/text"
)

// The function of table.c with a like name calls each export: never in a
// forked child, with signals blocked, and with memory of ours only. A panic in
// an export, as of an invalid handle, leaves the zero result, which the host
// reads as failed.

// maxText is the size of table.c's buffers for texts.
const maxText = C.MAX_STRING

// avirBind does nothing: the call itself binds a thread to Go, and waits for
// the init functions of the plugin.
//
//export avirBind
func avirBind() {}

//export avirErrorMessage
func avirErrorMessage(buffer *C.char) {
	defer guard()
	text.Copy(bytesOf(buffer, maxText), text.Line(library.LastError(), maxText-1))
}

//export avirSetOption
func avirSetOption(option *C.avir_plugin_config) (known C.int) {
	defer guard()
	name := text.Field(bytesOf(&option.name[0], len(option.name)))
	value := text.Field(bytesOf(&option.value[0], len(option.value)))
	return one(library.Set(name, value))
}

//export avirGetConfig
func avirGetConfig() *C.avir_plugin_config {
	defer guard()
	return newConfig(library.Config())
}

//export avirInit
func avirInit(callback C.AV_LOG_CALLBACK_NEW) C.int {
	defer guard()
	return one(library.Init(hostLog{callback}) == nil)
}

//export avirClose
func avirClose() C.int {
	defer guard()
	return one(library.Close() == nil)
}

//export avirThreadInit
func avirThreadInit() C.uintptr_t {
	defer guard()
	thread, err := library.NewThread()
	if err != nil {
		return 0
	}
	return C.uintptr_t(cgo.NewHandle(thread))
}

//export avirThreadClose
func avirThreadClose(context C.uintptr_t) C.int {
	defer guard()
	handle := cgo.Handle(context)
	thread := handle.Value().(*lifecycle.Thread)
	handle.Delete()
	return one(thread.Close() == nil)
}

//export avirTestFile
func avirTestFile(current *C.struct_avir_thread, context C.uintptr_t, name *C.char, nameLen C.int, realName *C.char, realLen C.int, info *C.char, size C.int) C.int {
	defer guardScan(current, takeInterrupts(current))
	result := api.Result{Text: "no file name"}
	if nameLen > 0 {
		thread := cgo.Handle(context).Value().(*lifecycle.Thread)
		result = thread.Scan(fileOf(name, int(nameLen), realName, int(realLen)))
	}
	buffer := bytesOf(info, int(size))
	text.Copy(buffer, text.Line(result.Text, len(buffer)-1))
	return C.int(result.Verdict)
}

// takeInterrupts lets Go interrupt this thread and passes on an interrupt that
// came before. It returns what runsGo was, to be stored there at the end. Only
// an inline Scan needs it: the other exports run no loop of the plugin on the
// host's thread.
func takeInterrupts(current *C.struct_avir_thread) (before int32) {
	before = atomic.SwapInt32(runsGo(current), 1)
	interrupts := (*int32)(unsafe.Pointer(&current.interrupts))
	if atomic.LoadInt32(interrupts) != 0 {
		atomic.StoreInt32(interrupts, 0)
		_ = syscall.Tgkill(syscall.Getpid(), syscall.Gettid(), syscall.SIGURG)
	}
	return before
}

func runsGo(current *C.struct_avir_thread) *int32 {
	return (*int32)(unsafe.Pointer(&current.runs_go))
}

// fileOf copies both names with one allocation.
func fileOf(name *C.char, nameLen int, realName *C.char, realLen int) api.File {
	both := make([]byte, nameLen+realLen)
	copy(both, bytesOf(name, nameLen))
	copy(both[nameLen:], bytesOf(realName, realLen))
	s := unsafe.String(&both[0], len(both))
	return api.File{Path: s[:nameLen], RealName: s[nameLen:]}
}

// guard keeps a panic away from the host.
func guard() { _ = recover() }

// guardScan is guard and the end of takeInterrupts.
func guardScan(current *C.struct_avir_thread, before int32) {
	_ = recover()
	atomic.StoreInt32(runsGo(current), before)
}

func one(ok bool) C.int {
	if ok {
		return 1
	}
	return 0
}

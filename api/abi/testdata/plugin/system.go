package main

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"syscall"
	"unsafe"

	"github.com/avirkit/avirkit/api"
)

// writeToBrokenPipe answers OK when the system refused the write.
func writeToBrokenPipe() api.Result {
	reader, writer, err := os.Pipe()
	if err != nil {
		return api.Result{Verdict: api.Failed, Text: err.Error()}
	}
	defer writer.Close()
	reader.Close()
	if _, err := writer.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		return api.Result{Verdict: api.Failed, Text: "the pipe isn't broken"}
	}
	return api.Result{Verdict: api.OK}
}

// wild returns an address at which there is no memory, and which is not near
// nil: without debug.SetPanicOnFault the runtime ends the process for it.
func wild() unsafe.Pointer {
	memory, err := syscall.Mmap(-1, 0, os.Getpagesize(), syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		panic(err)
	}
	return unsafe.Pointer(unsafe.SliceData(memory)) // stays reserved, so that nobody else gets it
}

// useThreads makes n goroutines hold a thread each at the same time, and
// leaves none of these threads for the next call.
func useThreads(n int) {
	var holding, ended sync.WaitGroup
	for range n {
		holding.Add(1)
		ended.Add(1)
		go func() {
			defer ended.Done()
			runtime.LockOSThread()
			holding.Done()
			holding.Wait()
		}()
	}
	ended.Wait()
}

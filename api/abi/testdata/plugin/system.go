package main

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"syscall"

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

package main

import (
	"errors"
	"os"
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

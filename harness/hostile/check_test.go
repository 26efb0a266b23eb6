package hostile

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/progress"
	"github.com/avirkit/avirkit/harness/reference"
)

func TestAnExceptionThatEndsTheHostHasItsOwnAdvice(t *testing.T) {
	for stderr, want := range map[string]string{
		"terminate called after throwing an instance of 'std::runtime_error'":     "let no C++ exception leave",
		"terminate called without an active exception":                            "join threads before their std::thread is destroyed",
		"libc++abi: terminating due to uncaught exception of type std::bad_alloc": "let no C++ exception leave",
		"fatal error: all goroutines are asleep - deadlock!":                      "keep large buffers off the stack",
		"": "keep large buffers off the stack",
	} {
		c := runCheck(context.Background(), &reference.Run{Show: progress.Discard()}, Check{Advice: "keep large buffers off the stack",
			run: func(context.Context, *env) (string, error) {
				return "", &host.Died{During: "plugin_init", How: "was killed by SIGABRT", Stderr: stderr}
			}})
		assert.Contains(t, c.Advice, want, stderr)
	}
}

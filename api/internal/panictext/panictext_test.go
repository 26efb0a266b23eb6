package panictext

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPanicTextNamesValueAndPlaceOnOneShortLine(t *testing.T) {
	var missing *int
	for name, c := range map[string]struct {
		crash func()
		want  string
	}{
		"a string":     {func() { panic("boom") }, "boom (at panictext_test.go:"},
		"an error":     {func() { panic(errors.New("broken\npipe")) }, "broken | pipe (at panictext_test.go:"},
		"a nil access": {func() { *missing = 1 }, "runtime error: invalid memory address or nil pointer dereference (at panictext_test.go:"},
		"a long text":  {func() { panic(strings.Repeat("x", 9000)) }, "... (at panictext_test.go:"},
		"a bad error":  {func() { panic(badError{}) }, "(at panictext_test.go:"},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			func() {
				defer func() { got = Of(recover()) }()
				c.crash()
			}()
			assert.Contains(t, got, c.want)
			assert.Less(t, len(got), 400)
		})
	}
}

// badError panics when it is asked what happened.
type badError struct{}

func (badError) Error() string { panic("again") }

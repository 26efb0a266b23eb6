package panics

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTextNamesValueAndPlaceOnOneShortLine(t *testing.T) {
	var missing *int
	for name, c := range map[string]struct {
		crash func()
		want  string
	}{
		"a string":     {func() { panic("boom") }, "boom (at panics_test.go:"},
		"an error":     {func() { panic(errors.New("broken\npipe")) }, "broken | pipe (at panics_test.go:"},
		"a nil access": {func() { *missing = 1 }, "runtime error: invalid memory address or nil pointer dereference (at panics_test.go:"},
		"a long text":  {func() { panic(strings.Repeat("x", 9000)) }, "... (at panics_test.go:"},
		"a bad error":  {func() { panic(badError{}) }, "(at panics_test.go:"},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			func() {
				defer func() { got = Text(recover()) }()
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

// Package panics turns a recovered panic into one short line for the log.
package panics

import (
	"fmt"
	"path"
	"runtime"
	"strings"

	"github.com/avirkit/avirkit/api/internal/text"
)

// limit keeps the text well below the host's line length, so that the caller
// can still say what panicked.
const limit = 300

// Text describes a value that recover returned: what it says and the source
// line that panicked. It must be called by the deferred function itself,
// while the stack of the panic is still there. It never prints a trace: the
// host's descriptors are not ours to write to.
func Text(value any) string {
	return text.Line(fmt.Sprint(value), limit) + origin()
}

// origin names the innermost frame below the panic that is not the Go
// runtime's own.
func origin() string {
	var pcs [48]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	panicked := false
	for {
		frame, more := frames.Next()
		switch {
		case strings.HasPrefix(frame.Function, "runtime."):
			panicked = panicked || frame.Function == "runtime.gopanic"
		case panicked:
			return fmt.Sprintf(" (at %s:%d)", path.Base(frame.File), frame.Line)
		}
		if !more {
			return ""
		}
	}
}

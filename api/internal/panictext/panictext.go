// Package panictext describes a recovered panic in one short line for the log.
package panictext

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

// Of describes a value that recover returned: its text and the source line
// that panicked. The deferred function itself must call it, while the stack
// of the panic is still there. It prints no trace, because the host's
// descriptors are not ours to write to.
func Of(value any) string {
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

package api

import (
	"runtime/debug"

	"github.com/avirkit/avirkit/api/internal/panictext"
)

// Go runs f on a goroutine of its own and logs a panic in it as an error. A
// plugin starts every goroutine this way: a panic that nobody recovers ends
// the host's process. A bad memory address panics too, instead of killing.
//
// Nothing can recover a goroutine from a concurrent map access, from a stack
// of more than 4 MiB or from memory that has run out.
func Go(log *Logger, f func()) {
	go func() {
		defer func() {
			if r := recover(); r != nil {
				log.Errorf("a goroutine of the plugin panicked: %s", panictext.Of(r))
			}
		}()
		debug.SetPanicOnFault(true)
		f()
	}()
}

package run

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// heartbeat is how often a running step says that it still runs.
const heartbeat = 10 * time.Second

var (
	outMu sync.Mutex

	// Out receives the progress lines.
	Out io.Writer = os.Stdout
)

// Printf prints one line of progress; lines of parallel steps don't mix.
func Printf(format string, args ...any) {
	outMu.Lock()
	defer outMu.Unlock()
	fmt.Fprintf(Out, format+"\n", args...)
}

// Step runs f and prints a line when it ends: what was done, the detail that
// f returns, and how long it took. A step that takes long says so meanwhile;
// watch, when it is not nil, tells then how far it is.
func Step(ctx context.Context, what string, watch func() string, f func(context.Context) (string, error)) error {
	start := time.Now()
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		first := time.NewTimer(2 * time.Second)
		defer first.Stop()
		tick := time.NewTicker(heartbeat)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-first.C:
				Printf("  .. %s%s", what, told(watch))
			case <-tick.C:
				Printf("  .. %s%s (%.0f s)", what, told(watch), time.Since(start).Seconds())
			}
		}
	}()
	detail, err := f(ctx)
	close(done)
	wg.Wait()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if detail != "" {
		detail = ": " + detail
	}
	Printf("  ok %s%s (%.1f s)", what, detail, time.Since(start).Seconds())
	return nil
}

func told(watch func() string) string {
	if watch == nil {
		return ""
	}
	return ": " + watch()
}

// lockedWriter lets standard output and standard error share one buffer.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

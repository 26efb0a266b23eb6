// Package progress shows what the harness is doing.
package progress

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"github.com/avirkit/avirkit/harness/report"
)

// every is how often a long step is mentioned where there is no terminal to
// overwrite a line on.
const every = 15 * time.Second

// Display writes finished lines, and on a terminal below them one line that
// changes. All methods may be called from several goroutines.
type Display struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	said     time.Time
	width    int    // of the changing line
	unread   func() // called when nobody reads it any more
}

// New returns a display on f, and calls unread when its reader is gone, as
// head is after some lines.
func New(f *os.File, unread func()) *Display {
	return &Display{w: f, terminal: isTerminal(f), said: time.Now(), unread: unread}
}

// Discard returns a display that shows nothing.
func Discard() *Display { return &Display{w: io.Discard, unread: func() {}} }

// isTerminal asks for the terminal's settings, which nothing else has.
func isTerminal(f *os.File) bool {
	var termios syscall.Termios
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), syscall.TCGETS, uintptr(unsafe.Pointer(&termios)))
	return errno == 0
}

// Line writes a finished line.
func (d *Display) Line(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.clear()
	d.write(report.Printable(fmt.Sprintf(format, args...)) + "\n")
	d.said = time.Now()
}

// Now says what is going on.
func (d *Display) Now(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	text := report.Printable(fmt.Sprintf(format, args...))
	switch {
	case d.terminal:
		d.clear()
		d.width = len([]rune(text))
		d.write(text)
	case time.Since(d.said) >= every:
		d.write(text + "\n")
		d.said = time.Now()
	}
}

func (d *Display) write(text string) {
	if _, err := io.WriteString(d.w, text); errors.Is(err, syscall.EPIPE) {
		d.unread()
	}
}

// clear removes the changing line.
func (d *Display) clear() {
	if d.width > 0 {
		d.write(fmt.Sprintf("\r%*s\r", d.width, ""))
		d.width = 0
	}
}

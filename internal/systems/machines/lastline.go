package machines

import (
	"strings"
	"sync"
	"unicode"
)

// lastLine keeps the last line that was written to it, to show what a long
// command is at.
type lastLine struct {
	mu   sync.Mutex
	rest string
	last string
}

// lineLimit bounds what is kept of an unfinished line, and what is shown.
const lineLimit = 300

// Write takes a part of a command's output.
func (l *lastLine) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	parts := strings.FieldsFunc(l.rest+string(p), func(r rune) bool { return r == '\n' || r == '\r' })
	if n := len(p); n > 0 && (p[n-1] == '\n' || p[n-1] == '\r') {
		parts = append(parts, "")
	}
	if len(parts) == 0 {
		return len(p), nil
	}
	l.rest = tail(parts[len(parts)-1])
	for _, line := range parts[:len(parts)-1] {
		if line = printable(line); line != "" {
			l.last = line
		}
	}
	return len(p), nil
}

// String returns the last whole line.
func (l *lastLine) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

func tail(s string) string {
	if len(s) > 4*lineLimit {
		s = s[len(s)-4*lineLimit:]
	}
	return s
}

// printable cuts a line to what a terminal takes well.
func printable(s string) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, s))
	if r := []rune(s); len(r) > lineLimit {
		s = string(r[:lineLimit]) + "…"
	}
	return s
}

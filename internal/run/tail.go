package run

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
)

// Tail is a writer that keeps the last lines of a command's output, as a
// terminal takes them well. Its methods may be called at the same time.
type Tail struct {
	Keep int               // how many lines; one if 0
	Skip *regexp.Regexp    // lines that are not kept; none if nil
	Each func(line string) // is called with each line that is kept, if not nil

	mu    sync.Mutex
	rest  string
	lines []string
}

// lineLimit bounds a line that is kept, in characters.
const lineLimit = 300

// Write takes a part of the output.
func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	parts := strings.FieldsFunc(t.rest+string(p)+"|", func(r rune) bool { return r == '\n' || r == '\r' })
	last := len(parts) - 1
	t.rest = strings.TrimSuffix(parts[last], "|")
	if len(t.rest) > 4*lineLimit {
		t.rest = t.rest[len(t.rest)-4*lineLimit:]
	}
	for _, line := range parts[:last] {
		t.take(line)
	}
	return len(p), nil
}

func (t *Tail) take(line string) {
	if t.Skip != nil && t.Skip.MatchString(line) {
		return
	}
	line = Printable(line)
	if line == "" {
		return
	}
	t.lines = append(t.lines, line)
	t.lines = t.lines[max(0, len(t.lines)-max(1, t.Keep)):]
	if t.Each != nil {
		t.Each(line)
	}
}

// String returns the lines that are kept.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "\n")
}

// Last returns the last whole line, which tells how far a command is.
func (t *Tail) Last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) == 0 {
		return ""
	}
	return t.lines[len(t.lines)-1]
}

// Printable drops what is not printable of a line, and cuts it.
func Printable(line string) string {
	line = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, line))
	if r := []rune(line); len(r) > lineLimit {
		line = string(r[:lineLimit]) + "…"
	}
	return line
}

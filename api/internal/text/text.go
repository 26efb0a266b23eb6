// Package text makes what the host can take out of any Go string: 7-bit
// ASCII of bounded length.
package text

import "strings"

// ASCII returns s with a '?' for each character that is not ASCII, for each
// byte that is not UTF-8 and for each control character, and with one space
// for each tab or line break.
func ASCII(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			b.WriteByte(' ')
		case r < ' ' || r > '~':
			b.WriteByte('?')
		default:
			b.WriteByte(byte(r))
		}
	}
	return b.String()
}

// Line returns s, without outer space, as one line of at most limit ASCII
// bytes. Line breaks
// become " | " and a cut text ends in "...". A negative limit counts as 0.
func Line(s string, limit int) string {
	limit = max(limit, 0)
	s = strings.TrimSpace(s)
	if len(s) <= limit && plain(s) {
		return s
	}
	if len(s) > 4*limit {
		s = s[:4*limit] // four bytes a character is UTF-8's worst case
	}
	if strings.ContainsAny(s, "\r\n") {
		lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\r' || r == '\n' })
		for i := range lines {
			lines[i] = strings.TrimSpace(lines[i])
		}
		s = strings.Join(lines, " | ")
	}
	s = ASCII(s)
	if len(s) <= limit {
		return s
	}
	const mark = "..."
	if limit <= len(mark) {
		return s[:limit]
	}
	return s[:limit-len(mark)] + mark
}

// Tail returns s, or "..." and its end in at most limit bytes.
func Tail(s string, limit int) string {
	const mark = "..."
	if len(s) <= limit || limit < len(mark) {
		return s
	}
	return mark + s[len(s)-limit+len(mark):]
}

// Copy puts as much of s into dst as fits before an ending NUL, which it
// always writes unless dst is empty. A NUL inside s ends the text.
func Copy(dst []byte, s string) {
	if len(dst) == 0 {
		return
	}
	if i := strings.IndexByte(s, 0); i >= 0 {
		s = s[:i]
	}
	dst[copy(dst[:len(dst)-1], s)] = 0
}

// Field returns the text of a fixed-size field, which ends at the first NUL
// or, when the host forgot it, at the field's end.
func Field(field []byte) string {
	for i, c := range field {
		if c == 0 {
			return string(field[:i])
		}
	}
	return string(field)
}

func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

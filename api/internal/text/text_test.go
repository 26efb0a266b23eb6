package text

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestASCIIReplacesWhatTheHostCanNotShow(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"plain text stays":                {"Eicar-Test (100%)", "Eicar-Test (100%)"},
		"a character is one mark":         {"žluť", "?lu?"},
		"each invalid byte is one mark":   {"a\xff\xfeb", "a??b"},
		"control characters are marks":    {"a\x00\x1b\x7fb", "a???b"},
		"tabs and line breaks are spaces": {"a\tb\r\nc", "a b  c"},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, ASCII(c.in)) })
	}
}

func TestLineIsOneLineOfBoundedLength(t *testing.T) {
	for name, c := range map[string]struct {
		in    string
		limit int
		want  string
	}{
		"fits exactly":                   {"abcde", 5, "abcde"},
		"one too long is cut and marked": {"abcdef", 5, "ab..."},
		"no room for the mark":           {"abcdef", 2, "ab"},
		"no room at all":                 {"abcdef", 0, ""},
		"a negative limit is none":       {"abcdef", -1, ""},
		"lines are joined":               {"one\n two\r\n\nthree\n", 40, "one | two | three"},
		"outer space is dropped":         {"  one ", 40, "one"},
		"cut inside a character":         {strings.Repeat("ž", 9), 5, "??..."},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, Line(c.in, c.limit)) })
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	assert.Equal(t, "abcde", Tail("abcde", 5))
	assert.Equal(t, "...ef", Tail("abcdef", 5))
	assert.Equal(t, "...", Tail("abcdef", 3))
}

func TestCopyAlwaysEndsInNULAndNeverWritesMore(t *testing.T) {
	for name, c := range map[string]struct {
		size int
		in   string
		want string
	}{
		"size 0 writes nothing":      {0, "abc", "####"},
		"size 1 holds only the NUL":  {1, "abc", "\x00###"},
		"size 2 holds a character":   {2, "abc", "a\x00##"},
		"exact":                      {4, "abc", "abc\x00"},
		"over":                       {3, "abc", "ab\x00#"},
		"empty text":                 {3, "", "\x00###"},
		"a NUL inside ends the text": {4, "a\x00c", "a\x00##"},
	} {
		t.Run(name, func(t *testing.T) {
			memory := []byte("####")
			Copy(memory[:c.size], c.in)
			assert.Equal(t, c.want, string(memory))
		})
	}
}

func TestFieldEndsAtItsNULOrItsSize(t *testing.T) {
	assert.Equal(t, "ab", Field([]byte("ab\x00cd")))
	assert.Equal(t, "abcd", Field([]byte("abcd")))
	assert.Equal(t, "", Field([]byte("\x00bcd")))
	assert.Equal(t, "", Field(nil))
}

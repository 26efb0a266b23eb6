package run

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestATailHoldsTheLastLinesInWhateverPiecesTheyCome(t *testing.T) {
	const text = "first\nsecond \x1b[1mbold\r\n\nProgress: 10%\rProgress: 90%\nthird: ü\nunfinished"
	for size := 1; size < len(text); size++ {
		var each []string
		tail := &Tail{Keep: 2, Skip: regexp.MustCompile("^Progress"), Each: func(line string) { each = append(each, line) }}
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			written, err := tail.Write([]byte(rest[:n]))
			assert.NoError(t, err)
			assert.Equal(t, n, written)
			rest = rest[n:]
		}
		assert.Equal(t, []string{"first", "second [1mbold", "third: ü"}, each, "pieces of %d bytes", size)
		assert.Equal(t, "second [1mbold\nthird: ü", tail.String())
		assert.Equal(t, "third: ü", tail.Last())
	}
	assert.Empty(t, (&Tail{}).Last())
}

func TestATailIsBounded(t *testing.T) {
	tail := &Tail{Keep: 12}
	for range 1000 {
		_, _ = tail.Write([]byte(strings.Repeat("x", 1000)))
	}
	assert.LessOrEqual(t, len(tail.rest), 4*lineLimit)
	_, _ = tail.Write([]byte("\n" + strings.Repeat("line\n", 1000)))
	assert.Equal(t, strings.TrimSuffix(strings.Repeat("line\n", 12), "\n"), tail.String())
	_, _ = tail.Write([]byte(strings.Repeat("y", 1000) + "\n"))
	assert.Equal(t, strings.Repeat("y", lineLimit)+"…", tail.Last())
}

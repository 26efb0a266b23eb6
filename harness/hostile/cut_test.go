package hostile

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestATextIsCutOnlyWhereItDoesNotFit(t *testing.T) {
	const full = "Eicar-Test"
	for _, c := range []struct {
		text string
		size int
		cut  bool
	}{
		{"", 0, true}, {"", 1, true}, {"Eicar-Tes", 10, true}, {"Eicar-...", 10, true},
		{"Eicar-Test", 11, true}, {"Eicar-Test", 4096, true},
		{"", 11, false}, {"", 255, false}, {"Eicar-", 4096, false}, {"...", 256, false},
		{"Other", 6, false},
	} {
		assert.Equal(t, c.cut, isCut(c.text, full, c.size), "%q in %d bytes", c.text, c.size)
	}
}

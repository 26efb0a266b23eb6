package glibc

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestParseRefusesWhatItDoesNotUnderstand(t *testing.T) {
	for name, text := range map[string]string{
		"a symbol before any soname": "abort GLIBC_2.0\n",
		"a symbol without a version": "[libc.so.6]\nabort\n",
		"a line of four words":       "[libc.so.6]\nabort GLIBC_2.0 4 5\n",
	} {
		_, err := parse(text)
		assert.ErrorContains(t, err, "line ", name)
	}
}

package glibc

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestVersionsCompareByNumber(t *testing.T) {
	for _, tt := range []struct {
		version, than string
		newer         bool
	}{
		{"2.12", "2.11", true},
		{"2.11", "2.11", false},
		{"2.11.1", "2.11", true},
		{"2.3.4", "2.11", false},
		{"3.0", "2.11", true},
		{"2.6.33", "2.6.32", true},
		{"2.6.32", "2.6.32", false},
	} {
		assert.Equal(t, tt.newer, Newer(tt.version, tt.than), "%s newer than %s", tt.version, tt.than)
	}
	number, ok := Number("GLIBC_2.3.4")
	assert.True(t, ok)
	assert.Equal(t, "2.3.4", number)
	for _, version := range []string{"", "2.3.4", "GCC_3.0", "GLIBC_", "GLIBC_PRIVATE", "GLIBC_ABI_DT_RELR", "GLIBC_2.", "GLIBC_2.-1"} {
		_, ok := Number(version)
		assert.False(t, ok, "%q", version)
	}
}

package host

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOldKernelsNeedNoFilterForTheirOwnAge(t *testing.T) {
	for release, c := range map[string]struct {
		floor string
		lacks bool
	}{
		"2.6.32-754.el6.i686":  {"2.6.32", true},
		"2.6.32.71":            {"3.2", true},
		"2.6.18-419.el5":       {"2.6.32", true},
		"2.6.33":               {"2.6.32", false}, // it has more, and can't hide it
		"3.2.0-4-686-pae":      {"2.6.32", false},
		"3.2.0-4-amd64":        {"3.2", true},
		"3.10.0-1160.el7":      {"3.10", false}, // it can filter
		"6.18.44":              {"2.6.32", false},
		"":                     {"2.6.32", false},
		"an unreadable answer": {"2.6.32", false},
	} {
		assert.Equal(t, c.lacks, lacksFilter(release, c.floor), "%s under %s", release, c.floor)
	}
}

func TestThisKernelHasARelease(t *testing.T) {
	assert.Regexp(t, `^\d+\.\d+`, KernelRelease())
}

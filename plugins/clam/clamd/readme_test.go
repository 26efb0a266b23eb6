package clamd

import (
	"fmt"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheREADMENamesTheTestOfEveryFault(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	row := regexp.MustCompile(`(?m)^\| (\d+) \| .* \| TestFault/(.+) \|$`)
	rows := row.FindAllStringSubmatch(string(readme), -1)
	require.Len(t, rows, len(faults))
	require.Len(t, faults, 38)
	for i, f := range faults {
		assert.Equal(t, i+1, f.row)
		assert.Equal(t, fmt.Sprint(f.row), rows[i][1])
		assert.Equal(t, faultName(f.row, f.name), rows[i][2])
	}
}

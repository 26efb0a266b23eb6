package docs

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestContinuousIntegrationRunsTheCommandsOfTheREADME(t *testing.T) {
	readme := read(t, "README.md")
	for _, file := range []string{".github/workflows/ci.yml", ".ci/run"} {
		commands := regexp.MustCompile(`go tool mage \S+`).FindAllString(read(t, file), -1)
		require.NotEmpty(t, commands, file)
		for _, command := range commands {
			assert.Contains(t, readme, "\n"+command+" ", "%s runs what the README does not", file)
		}
	}
}

package versions

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What runs on target systems must be buildable by TargetGo.
func TestTheModulesOfTargetSystemsAskForTheTargetsGo(t *testing.T) {
	for _, module := range []string{"api", "plugins", "harness", "testdata/badplugins"} {
		data, err := os.ReadFile(filepath.Join("..", "..", module, "go.mod"))
		require.NoError(t, err)
		m := regexp.MustCompile(`(?m)^go (\d+\.\d+)(\.\d+)?$`).FindStringSubmatch(string(data))
		require.NotNil(t, m, module)
		assert.Equal(t, m[1], TargetGo[len("go"):strings.LastIndexByte(TargetGo, '.')], module)
		assert.NotContains(t, string(data), "toolchain ", module)
	}
}

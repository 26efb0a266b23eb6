package abi_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheGuidesExampleBuildsAsItStands(t *testing.T) {
	guide, err := os.ReadFile("../../docs/vendor.md")
	require.NoError(t, err)
	sdk, err := filepath.Abs("..")
	require.NoError(t, err)
	dir := t.TempDir()
	for name, begin := range map[string]string{"main.go": "```go\npackage main", "go.mod": "```\nmodule "} {
		_, text, found := strings.Cut(string(guide), begin)
		require.True(t, found, name)
		text, _, found = strings.Cut(text, "```\n")
		require.True(t, found, name)
		_, begin, _ = strings.Cut(begin, "\n")
		text = strings.ReplaceAll(begin+text, "/path/to/avirkit/api", sdk)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	for _, args := range [][]string{{"gofmt", "-l", "."}, {"go", "build", "-buildmode=c-shared", "-o", "avir_mine.so", "."}} {
		command := exec.Command(args[0], args[1:]...)
		command.Dir = dir
		command.Env = append(os.Environ(), "GOTOOLCHAIN=go1.23.12", "CGO_ENABLED=1", "GOFLAGS=", "GOWORK=off")
		out, err := command.CombinedOutput()
		require.NoError(t, err, "%s", out)
		assert.Empty(t, string(out), args)
	}
}

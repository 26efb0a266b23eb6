package docs

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/versions"
)

func TestSECURITYListsThePackagesInThePlugins(t *testing.T) {
	text := read(t, "SECURITY.md")
	assert.Contains(t, text, strings.TrimPrefix(versions.TargetGo, "go"))
	block := regexp.MustCompile(`(?m)(?:^    [a-z].*\n)+`).FindString(text)
	for _, arch := range []string{"386", "amd64"} {
		assert.ElementsMatch(t, standardPackages(t, "./clam", arch), strings.Fields(block), arch)
		assert.Subset(t, strings.Fields(block), standardPackages(t, "./sample", arch), arch)
	}
}

// standardPackages lists what a plugin takes from the standard library, those
// named internal left out.
func standardPackages(t *testing.T, plugin, arch string) []string {
	t.Helper()
	list := exec.Command("go", "list", "-deps", "-tags", "netgo,osusergo", "-f", "{{if .Standard}}{{.ImportPath}}{{end}}", plugin)
	list.Dir = root + "plugins"
	list.Env = append(os.Environ(), "GOTOOLCHAIN="+versions.TargetGo, "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=1", "GOWORK=off")
	out, err := list.CombinedOutput()
	require.NoError(t, err, "%s", out)
	var names []string
	for _, name := range strings.Fields(string(out)) {
		if !strings.Contains(name, "internal") {
			names = append(names, name)
		}
	}
	return names
}

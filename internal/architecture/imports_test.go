package architecture

import (
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/avirkit/avirkit/"

// An arrow is an import of one room by another, with a file that has it.
type arrow struct{ from, to, file string }

// arrows reads the imports between rooms from all files of the checkout, of
// every build tag. Those of tests are returned apart.
func arrows(t *testing.T, all []room) (code, tests []arrow) {
	t.Helper()
	out, err := exec.Command("git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard", "*.go").Output()
	require.NoError(t, err, "list the sources with git")
	for _, name := range strings.Fields(string(out)) {
		if _, err := os.Stat(root + name); err != nil || strings.Contains(name, "testdata/") {
			continue
		}
		from := roomOf(all, filepath.Dir(name))
		if name == "magefile.go" {
			from = name
		}
		if !assert.NotEmpty(t, from, "%s is in no room of docs/architecture.md", name) {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), root+name, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, spec := range file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			dir, ours := strings.CutPrefix(path, module)
			if !ours {
				continue
			}
			to := roomOf(all, dir)
			assert.NotEmpty(t, to, "%s imports %s, which is in no room", name, dir)
			switch a := (arrow{from, to, name}); {
			case from == to:
			case strings.HasSuffix(name, "_test.go"):
				tests = append(tests, a)
			default:
				code = append(code, a)
			}
		}
	}
	require.Greater(t, len(code), 20)
	return code, tests
}

func TestTheTableShowsTheImportsOfTheCode(t *testing.T) {
	all := rooms(t)
	code, _ := arrows(t, all)
	for _, r := range all {
		imports := map[string]bool{}
		for _, a := range code {
			if a.from == r.name {
				imports[a.to] = true
				assert.Contains(t, r.may, a.to, "%s imports %s: the table of docs/architecture.md has no such arrow", a.file, a.to)
			}
		}
		assert.Subset(t, slices.Collect(maps.Keys(imports)), r.may, "the table has arrows of %s that the code does not have", r.name)
	}
}

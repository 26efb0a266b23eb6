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
	homeless := map[string]bool{}
	for _, name := range strings.Fields(string(out)) {
		if _, err := os.Stat(root + name); err != nil || strings.Contains(name, "testdata/") {
			continue
		}
		from := roomOf(all, filepath.Dir(name))
		if name == "magefile.go" {
			from = name
		}
		if from == "" {
			homeless[filepath.Dir(name)] = true
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
			switch to := roomOf(all, dir); {
			case to == from:
			case strings.HasSuffix(name, "_test.go"):
				tests = append(tests, arrow{from, to, name})
			default:
				code = append(code, arrow{from, to, name})
			}
		}
	}
	require.Empty(t, homeless, "the table of docs/architecture.md has no row for these folders")
	require.Greater(t, len(code), 20)
	return code, tests
}

func TestTheTableShowsTheImportsOfTheCode(t *testing.T) {
	all := rooms(t)
	code, _ := arrows(t, all)
	for _, r := range all {
		example := map[string]string{} // of a file, by what it imports
		for _, a := range code {
			if a.from == r.name {
				example[a.to] = a.file
			}
		}
		want := slices.Sorted(maps.Keys(example))
		assert.Equal(t, want, slices.Sorted(slices.Values(r.may)),
			"in docs/architecture.md the row of %s must end in `%s` (%v)", r.name, strings.Join(want, "`, `"), example)
	}
}

package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCONTRIBUTINGListsEveryTargetAndNoOther(t *testing.T) {
	_, text, found := strings.Cut(read(t, "CONTRIBUTING.md"), "\n## Targets\n")
	require.True(t, found)
	text, _, _ = strings.Cut(text, "\n## ")
	var listed []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z:]+)` \\|").FindAllStringSubmatch(text, -1) {
		listed = append(listed, m[1])
	}
	assert.ElementsMatch(t, targets(t), listed)
}

func TestADocumentNamesOnlyTargetsThatExist(t *testing.T) {
	known := targets(t)
	mention := regexp.MustCompile(`(?:go tool |\x60)mage (?:-[a-z]+ )?([a-z][a-z:]*)`)
	mentions := 0
	for _, name := range documents(t) {
		for _, m := range mention.FindAllStringSubmatch(read(t, name), -1) {
			mentions++
			assert.Contains(t, known, m[1], "%s: %s", name, m[0])
		}
	}
	assert.Greater(t, mentions, 10)
}

// targets reads the names of the targets from the magefile, with a namespace
// before the colon. Test:All goes by its alias.
func targets(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), root+"magefile.go", nil, 0)
	require.NoError(t, err)
	var names []string
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || !f.Name.IsExported() {
			continue
		}
		name := strings.ToLower(f.Name.Name)
		if f.Recv != nil {
			name = strings.ToLower(f.Recv.List[0].Type.(*ast.Ident).Name) + ":" + name
		}
		names = append(names, strings.TrimSuffix(name, ":all"))
	}
	require.NotEmpty(t, names)
	slices.Sort(names)
	return names
}

package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCONTRIBUTINGListsEveryTargetWithItsFlags(t *testing.T) {
	_, text, found := strings.Cut(read(t, "CONTRIBUTING.md"), "\n## Targets\n")
	require.True(t, found)
	text, _, _ = strings.Cut(text, "\n## ")
	var listed []string
	flags := targets(t)
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z:]+)` \\|(.*)").FindAllStringSubmatch(text, -1) {
		listed = append(listed, m[1])
		var named []string
		for _, flag := range regexp.MustCompile("`-([a-z]+)").FindAllStringSubmatch(m[2], -1) {
			if flag[1] != "v" { // mage's own
				named = append(named, flag[1])
			}
		}
		assert.ElementsMatch(t, flags[m[1]], named, "flags of %s", m[1])
	}
	assert.ElementsMatch(t, slices.Collect(maps.Keys(flags)), listed)
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

// targets reads the targets and their flags from the magefile. A target's
// namespace stands before its name, with a colon; Test:All goes by its alias.
func targets(t *testing.T) map[string][]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), root+"magefile.go", nil, 0)
	require.NoError(t, err)
	found := map[string][]string{}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || !f.Name.IsExported() {
			continue
		}
		name := strings.ToLower(f.Name.Name)
		if f.Recv != nil {
			name = strings.ToLower(f.Recv.List[0].Type.(*ast.Ident).Name) + ":" + name
		}
		var flags []string
		for _, p := range f.Type.Params.List {
			if _, optional := p.Type.(*ast.StarExpr); optional {
				for _, name := range p.Names {
					flags = append(flags, name.Name)
				}
			}
		}
		found[strings.TrimSuffix(name, ":all")] = flags
	}
	require.NotEmpty(t, found)
	return found
}

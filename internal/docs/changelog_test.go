package docs

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/packages"
)

func TestTheChangelogIsThatOfThePackages(t *testing.T) {
	entries, err := packages.LoadChangelog(root + "packaging")
	require.NoError(t, err)
	want := changelog(entries)
	if *update {
		require.NoError(t, os.WriteFile(root+"CHANGELOG.md", []byte(want), 0o644))
	}
	assert.Equal(t, want, read(t, "CHANGELOG.md"), "run go test ./internal/docs -update")
}

// changelog writes the entries as CHANGELOG.md has them.
func changelog(entries []packages.ChangelogEntry) string {
	var b strings.Builder
	b.WriteString("# Changelog\n\nMade from `packaging/changelog.yml` by `go test ./internal/docs -update`; a test keeps both equal.\n")
	for _, e := range entries {
		fmt.Fprintf(&b, "\n## %s (%s)\n\n", e.Version, e.Date.Format("2006-01-02"))
		for _, change := range e.Changes {
			fmt.Fprintf(&b, "- %s\n", change)
		}
	}
	return b.String()
}

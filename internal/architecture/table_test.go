package architecture

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the checkout as seen from this folder.
const root = "../../"

// A room is a row of the table: a folder, and the rooms that it may import. A
// folder without a row belongs to the nearest one above that has a row.
type room struct {
	name string
	may  []string
}

// rooms reads the table of docs/architecture.md.
func rooms(t *testing.T) []room {
	t.Helper()
	data, err := os.ReadFile(root + "docs/architecture.md")
	require.NoError(t, err)
	_, text, found := strings.Cut(string(data), "| room | what it does | may import |\n| --- | --- | --- |\n")
	require.True(t, found, "docs/architecture.md has the table of rooms")
	var all []room
	for line := range strings.Lines(text) {
		columns := strings.Split(line, "|")
		if len(columns) != 5 {
			break
		}
		names := quoted(columns[1])
		require.Len(t, names, 1, line)
		all = append(all, room{names[0], quoted(columns[3])})
	}
	require.NotEmpty(t, all)
	return all
}

func quoted(column string) (words []string) {
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(column, -1) {
		words = append(words, m[1])
	}
	return words
}

// roomOf returns the name of the room that folder dir of the checkout belongs
// to, or "". Rooms of internal go without that prefix.
func roomOf(all []room, dir string) string {
	dir = strings.TrimPrefix(dir, "internal/")
	best := ""
	for _, r := range all {
		if (dir == r.name || strings.HasPrefix(dir, r.name+"/")) && len(r.name) > len(best) {
			best = r.name
		}
	}
	return best
}

package docs

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// root is the checkout as seen from this folder.
const root = "../../"

// read returns a file of the checkout.
func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(root + name)
	require.NoError(t, err)
	return string(data)
}

var update = flag.Bool("update", false, "write into the documents what the code says")

// tableIs compares the rows below a table's heading, and writes them with -update.
func tableIs(t *testing.T, name, heading, want string) {
	t.Helper()
	before, rest, found := strings.Cut(read(t, name), heading)
	require.True(t, found, "%s has the table %q", name, heading)
	rows := regexp.MustCompile(`^(\|.*\n)*`).FindString(rest)
	if *update {
		require.NoError(t, os.WriteFile(root+name, []byte(before+heading+want+rest[len(rows):]), 0o644))
		rows = want
	}
	assert.Equal(t, want, rows, "%s: run go test ./internal/docs -update", name)
}

// documents lists the checkout's Markdown files.
func documents(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard", "*.md").Output()
	require.NoError(t, err, "list the documents with git")
	var names []string
	for _, name := range strings.Fields(string(out)) {
		if _, err := os.Stat(root + name); err == nil {
			names = append(names, name)
		}
	}
	require.NotEmpty(t, names)
	return names
}

func TestEveryLinkOfADocumentLeadsSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)]+)\)`)
	links := 0
	for _, name := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(withoutCode(read(t, name)), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			links++
			file, anchor, _ := strings.Cut(m[1], "#")
			target := name
			if file != "" {
				target = filepath.Join(filepath.Dir(name), file)
			}
			if !assert.FileExists(t, root+target, "%s links to %s", name, m[1]) && assert.DirExists(t, root+target) {
				continue
			}
			if anchor != "" {
				assert.Contains(t, anchors(read(t, target)), anchor, "%s links to %s", name, m[1])
			}
		}
	}
	assert.Greater(t, links, 10)
}

// withoutCode drops fenced blocks.
func withoutCode(text string) string {
	return regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(text, "")
}

// anchors returns what a link to a heading of the document is called.
func anchors(text string) []string {
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(withoutCode(text), -1) {
		name := strings.ToLower(m[1])
		name = regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(name, "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

package docs

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ownVariables are set by one part of the project for another and not by
// people: tests for the programs that they start, and a run of machines for
// its Vagrantfile.
var ownVariables = regexp.MustCompile(`^AVIR_(TEST|RUN|VM_RESOLVED)`)

func TestCONTRIBUTINGListsEveryVariableAndNoOther(t *testing.T) {
	_, text, found := strings.Cut(read(t, "CONTRIBUTING.md"), "\n## Variables\n")
	require.True(t, found)
	text, _, _ = strings.Cut(text, "\n## ")
	listed := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| (.+?) \|`).FindAllStringSubmatch(text, -1) {
		for _, name := range regexp.MustCompile(`AVIR_[A-Z0-9_]+`).FindAllString(row[1], -1) {
			listed[name] = true
		}
	}
	used := variables(t)
	for name := range used {
		assert.True(t, listed[name], "%s is used in %s and not in the table", name, used[name])
	}
	for name := range listed {
		assert.Contains(t, used, name, "the table has a variable that no code reads")
	}
}

// variables finds the project's variables in all files of code, and names one
// file for each.
func variables(t *testing.T) map[string]string {
	t.Helper()
	out, err := exec.Command("git", "-C", root, "grep", "--untracked", "-oE", `AVIR_[A-Z0-9_]*[A-Z0-9]\b`, "--",
		"*.go", "*.sh", "vagrant", ":!*.md", ":!internal/docs").Output()
	require.NoError(t, err, "look for variables with git grep")
	found := map[string]string{}
	for line := range strings.Lines(string(out)) {
		file, name, _ := strings.Cut(strings.TrimSpace(line), ":")
		if !ownVariables.MatchString(name) {
			found[name] = file
		}
	}
	require.NotEmpty(t, found)
	return found
}

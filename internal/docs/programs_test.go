package docs

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/run"
)

// built returns a build's folder, as the documents call dist.
func built(t *testing.T) string {
	t.Helper()
	top, err := run.Root()
	require.NoError(t, err)
	dist := build.TestDist(top, toolchain.GCC)
	_, err = build.Run(t.Context(), build.Options{Root: top, Toolchain: toolchain.GCC, Dist: dist})
	require.NoError(t, err)
	return dist
}

// output runs a program in the checkout and returns all that it says.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = root
	out, _ := c.CombinedOutput()
	require.NoError(t, ctx.Err(), "%v did not end", c.Args)
	return string(out)
}

func TestTheDocumentsUseOnlyOptionsThatTheProgramsHave(t *testing.T) {
	dir := filepath.Join(built(t), "linux-amd64")
	for program, helps := range map[string][][]string{
		"harness":   {{"--help"}, {"run", "--help"}, {"footprint", "--help"}, {"bench", "--help"}},
		"avserver":  {{"--help"}},
		"fakeclamd": {{"--help"}},
		"avirctl":   {{"check", "--help"}, {"scan", "--help"}, {"status", "--help"}, {"logs", "--help"}},
	} {
		var help strings.Builder
		for _, args := range helps {
			help.WriteString(output(t, filepath.Join(dir, program), args...))
		}
		line := regexp.MustCompile(`(?m)(?:^|/|\x60)` + program + `( [^\x60\n]*)`)
		option := regexp.MustCompile(` --?([a-z-]{2,})`)
		uses := 0
		for _, name := range documents(t) {
			for _, command := range line.FindAllStringSubmatch(read(t, name), -1) {
				for _, m := range option.FindAllStringSubmatch(command[1], -1) {
					uses++
					assert.Regexp(t, `(?m)(^|[ ,])--?`+m[1]+`\b`, help.String(), "%s: %s%s", name, program, command[1])
				}
			}
		}
		assert.NotZero(t, uses, "no document uses %s", program)
	}
}

func TestTheREADMEListsTheFilesOfABuild(t *testing.T) {
	_, table, found := strings.Cut(read(t, "README.md"), "\n| file | what it is |\n")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n\n")
	var listed, made []string
	for _, row := range regexp.MustCompile(`(?m)^\| (\x60[^|]*) \|`).FindAllStringSubmatch(table, -1) {
		for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			listed = append(listed, name[1])
		}
	}
	entries, err := os.ReadDir(filepath.Join(built(t), "linux-amd64"))
	require.NoError(t, err)
	for _, e := range entries {
		made = append(made, e.Name())
	}
	assert.ElementsMatch(t, made, listed)
}

func TestTheVendorsGuideListsTheHostileChecks(t *testing.T) {
	var want strings.Builder
	list := output(t, filepath.Join(built(t), "linux-amd64", "harness"), "run", "hostile", "--list")
	for line := range strings.Lines(list) {
		name, did, found := strings.Cut(strings.TrimSpace(line), "  ")
		require.True(t, found, line)
		want.WriteString("| " + name + " | " + strings.TrimSpace(did) + " |\n")
	}
	require.NotEmpty(t, want.String())
	tableIs(t, "docs/vendor.md", "| check | what the report says that the harness did |\n| --- | --- |\n", want.String())
}

func TestTheHarnessEndsWithTheExitStatusOfTheVendorsGuide(t *testing.T) {
	dir := filepath.Join(built(t), "linux-amd64")
	harness := filepath.Join(dir, "harness")
	meanings := regexp.MustCompile(`(?m)^\| (\d) \| (.*) \|$`).FindAllStringSubmatch(read(t, "docs/vendor.md"), -1)
	require.Len(t, meanings, 3)
	help := strings.Join(strings.Fields(output(t, harness, "--help")), " ")
	for status, args := range [][]string{
		{"run", "hostile", "--list"},
		{"run", "scanning", "--plugin", filepath.Join(dir, "avir_sample.so")}, // there are no samples
		{"run", "nothing"},
	} {
		assert.Equal(t, strconv.Itoa(status), meanings[status][1])
		assert.Contains(t, help, meanings[status][1]+" "+meanings[status][2])
		c := exec.Command(harness, args...)
		c.Dir = t.TempDir()
		out, _ := c.CombinedOutput()
		assert.Equal(t, status, c.ProcessState.ExitCode(), "%v: %s", c.Args, out)
	}
}

func TestTheVendorsGuideLetsGdbFindTheSources(t *testing.T) {
	if _, err := exec.LookPath("gdb"); err != nil {
		t.Skip("no gdb on this machine: install the Debian package gdb")
	}
	_, text, found := strings.Cut(read(t, "docs/vendor.md"), "\n```sh\ngdb ")
	require.True(t, found)
	text, _, _ = strings.Cut(text, "```")
	for sample, shown := range map[string]string{"sample": "func (p *plugin) Init(cfg api.Config", "csample": "int testFile(void *context"} {
		replacer := []string{"../mine/dist/", built(t) + "/", "../mine", "plugins/" + sample, "avir_mine", "avir_" + sample, "-ex run", "-ex run -ex list"}
		if sample == "csample" {
			replacer = append(replacer, "main.(*plugin).Init", "testFile")
		}
		out := output(t, "sh", "-c", "gdb -batch "+strings.NewReplacer(replacer...).Replace(text))
		assert.Contains(t, out, "hit Breakpoint 1")
		assert.Contains(t, out, shown)
	}
}

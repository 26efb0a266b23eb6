package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/hostile"
	"github.com/avirkit/avirkit/harness/reference"
	"github.com/avirkit/avirkit/harness/report"
	"github.com/avirkit/avirkit/harness/samples"
)

// sin is a row of the table in README.md: what a bad plugin does, the check
// that must find it, and what that check must say.
type sin struct{ name, check, message string }

// readSins reads the rows whose first column is in back quotes from the named
// section of README.md, so that the document can't say what is not tested.
func readSins(t *testing.T, section string) []sin {
	t.Helper()
	data, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, text, found := strings.Cut(string(data), "## "+section+"\n")
	require.True(t, found, "README.md has a section %q", section)
	text, _, _ = strings.Cut(text, "\n## ")
	row := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|[^|]*\\| ([a-z-]+) \\| ([^|]+) \\|$")
	var sins []sin
	for _, m := range row.FindAllStringSubmatch(text, -1) {
		sins = append(sins, sin{m[1], m[2], strings.TrimSpace(m[3])})
	}
	require.NotEmpty(t, sins)
	return sins
}

// check runs what the table names: a hostile check, or one of the four tests.
func check(r *reference.Run, name string) []report.Case {
	for _, t := range reference.All() {
		if t.Name == name {
			return t.Run(context.Background(), r)
		}
	}
	return hostile.Run(context.Background(), r, []string{name})
}

// limit is longer than the deadline of the bad plugin in Go and the SDK's grace
// after it, a second each.
const limit = 3 * time.Second

func TestEverySinOfACPluginIsListed(t *testing.T) {
	listed := map[string]bool{"NONE": true}
	for _, s := range readSins(t, "Bad plugins in C") {
		listed[s.name] = true
	}
	for _, name := range sinNames(t) {
		assert.True(t, listed[name], "%s is in sins.h and not in README.md", name)
	}
}

func TestEverySinOfACPluginIsFoundByItsCheck(t *testing.T) {
	onEachPlatform(t, func(t *testing.T, b *bench) {
		for _, s := range readSins(t, "Bad plugins in C") {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				limit := limit
				if s.name == "BLOCK_IN_INIT" {
					limit /= host.InitFactor // or all others wait for it
				}
				cases := check(b.run(b.bad(t, s.name), limit), s.check)
				requireFailure(t, cases, s.message)
			})
		}
	})
}

// requireFailure wants a failed case with the message and an advice.
func requireFailure(t *testing.T, cases []report.Case, message string) {
	t.Helper()
	var saw []string
	for _, c := range cases {
		if c.Status == report.Failed && strings.Contains(c.Saw, message) {
			assert.NotEmpty(t, c.Advice, "the author learns what to change")
			return
		}
		saw = append(saw, c.Name+" "+string(c.Status)+": "+c.Saw)
	}
	t.Fatalf("no case failed with %q:\n%s", message, strings.Join(saw, "\n"))
}

func TestHarnessGoesOnAfterAPluginThatCrashesInEveryScan(t *testing.T) {
	b := newBench(t)
	cases := hostile.Run(context.Background(), b.run(b.bad(t, "CRASH_IN_SCAN"), limit), nil)
	require.Len(t, cases, len(hostile.All()))
	names := map[string]report.Status{}
	for _, c := range cases {
		names[c.Name] = c.Status
		assert.NotEmpty(t, c.Saw, c.Name)
	}
	assert.Equal(t, report.Failed, names["lifecycle"])
	assert.Equal(t, report.Failed, names["leak"], "the last check ran too")
	assert.Equal(t, report.Passed, names["options"], "a check without a scan passes")

	r := b.run(b.bad(t, "CRASH_IN_SCAN"), limit)
	for _, c := range reference.Scanning(context.Background(), r) {
		if c.Name == samples.Clean {
			assert.Contains(t, c.Saw, "was killed by SIGSEGV")
		}
	}
}

func TestChecksThatNeedEicarSayItOfAPluginThatMissesIt(t *testing.T) {
	b := newBench(t)
	r := b.run(b.bad(t, "NEW_SYSCALL"), limit)
	r.KernelFloor = "2.6.32" // here it answers FAILED to everything
	blind := 0
	for _, c := range hostile.Run(context.Background(), r, nil) {
		switch {
		case strings.Contains(c.Saw, "needs a plugin that finds eicar.com, which was answered with FAILED"):
			assert.Equal(t, report.Failed, c.Status, c.Name)
			assert.Empty(t, c.Advice, "%s: its own advice would mislead", c.Name)
			blind++
		case c.Name != "lifecycle" && c.Name != "verdicts":
			assert.Equal(t, report.Passed, c.Status, "%s: %s", c.Name, c.Saw)
		}
	}
	assert.Greater(t, blind, 10)
}

func TestGoodPluginsPassEveryCheck(t *testing.T) {
	onEachPlatform(t, func(t *testing.T, b *bench) {
		example := filepath.Join(t.TempDir(), "avir_csample.so")
		require.NoError(t, b.compile(t, example, append(sources(t, "../testdata/cplugin/*.c"), "-fPIC", "-shared", "-I../api/abi")...))
		for name, plugin := range map[string]string{"the example in C": example, "the bad plugin without a sin": b.bad(t, "NONE")} {
			t.Run(name, func(t *testing.T) { b.passesEveryCheck(t, plugin) })
		}
	})
}

func (b *bench) passesEveryCheck(t *testing.T, plugin string) {
	t.Helper()
	r := b.run(plugin, 20*time.Second)
	var all report.Report
	for _, test := range suite(nil) {
		all.Add(test.Run(context.Background(), r)...)
	}
	var table bytes.Buffer
	all.Table(&table)
	assert.True(t, all.OK(), table.String())
	assert.Greater(t, all.Count(report.Passed), len(hostile.All()))
}

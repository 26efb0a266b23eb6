package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/hostile"
	"github.com/avirkit/avirkit/harness/progress"
	"github.com/avirkit/avirkit/harness/report"
	"github.com/avirkit/avirkit/harness/samples"
	"github.com/avirkit/avirkit/harness/tests"
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

// need skips loudly, or fails where the tests must be complete.
func need(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s: %v", what, err)
	}
	t.Skipf("SKIPPED, nothing was tested: %s: %v", what, err)
}

// cc returns the C compiler for i386 and its first arguments.
func cc() []string {
	if cc := os.Getenv("AVIR_TEST_CC"); cc != "" {
		return strings.Fields(cc)
	}
	return []string{"gcc", "-m32"}
}

func compile(t *testing.T, output string, args ...string) error {
	t.Helper()
	command := append(cc(), "-O1", "-Wall", "-Werror", "-pthread", "-o", output)
	cmd := exec.Command(command[0], append(command[1:], args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Logf("%s\n%s", cmd, out)
	}
	return err
}

func sources(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	require.NoError(t, err)
	require.NotEmpty(t, files, pattern)
	return files
}

// bench is a folder with avserver and the samples in it.
type bench struct{ dir string }

func newBench(t *testing.T) *bench {
	t.Helper()
	if os.Getenv("AVIR_TEST_CC") == "" {
		probe := filepath.Join(t.TempDir(), "probe.c")
		require.NoError(t, os.WriteFile(probe, []byte("#include <stdio.h>\nint main(void) { return 0; }\n"), 0o600))
		need(t, "gcc -m32 does not work: apt-get install gcc-multilib, or set AVIR_TEST_CC", compile(t, filepath.Join(t.TempDir(), "probe"), probe))
	}
	b := &bench{t.TempDir()}
	b.once(t, "avserver", func(path string) error {
		return compile(t, path, append(sources(t, "avserver/*.c"), "-ldl")...)
	})
	require.NoError(t, samples.Generate(filepath.Join(b.dir, "data")))
	return b
}

// programs is where what all tests use is built once.
var programs struct {
	sync.Mutex
	dir string
}

func TestMain(m *testing.M) {
	var err error
	if programs.dir, err = os.MkdirTemp("", "harness-programs-"); err != nil {
		panic(err)
	}
	status := m.Run()
	os.RemoveAll(programs.dir)
	os.Exit(status)
}

// once puts a program into the bench that the first who needs it builds.
func (b *bench) once(t *testing.T, name string, build func(path string) error) string {
	t.Helper()
	programs.Lock()
	defer programs.Unlock()
	path := filepath.Join(programs.dir, name)
	if _, err := os.Stat(path); err != nil {
		require.NoError(t, build(path))
	}
	require.NoError(t, os.Link(path, filepath.Join(b.dir, name)))
	return filepath.Join(b.dir, name)
}

// bad compiles the C plugin with one sin, and what more the compiler shall take.
func (b *bench) bad(t *testing.T, name string, more ...string) string {
	t.Helper()
	plugin := filepath.Join(t.TempDir(), "avir_sins.so")
	args := append(sources(t, "../testdata/badplugins/c/*.c"), "-fPIC", "-shared", "-I../api/abi", "-DSIN="+name)
	require.NoError(t, compile(t, plugin, append(args, more...)...))
	return plugin
}

// run returns what the harness needs; the limit is short because some sins are
// to hang.
func (b *bench) run(plugin string, limit time.Duration, settings ...host.Setting) *tests.Run {
	return &tests.Run{
		Setup: host.Setup{Avserver: filepath.Join(b.dir, "avserver"), Plugin: plugin, Settings: settings, Limit: limit},
		Data:  filepath.Join(b.dir, "data"), Threads: 4, Wait: 100 * time.Millisecond, Quick: true,
		Show: progress.Discard(),
	}
}

// check runs what the table names: a hostile check, or one of the four tests.
func check(r *tests.Run, name string) []report.Case {
	for _, t := range tests.All() {
		if t.Name == name {
			return t.Run(context.Background(), r)
		}
	}
	return hostile.Run(context.Background(), r, []string{name})
}

// limit is longer than the Go plugin's deadline and the SDK's grace after it.
const limit = 3 * time.Second

func TestEverySinOfACPluginIsFoundByItsCheck(t *testing.T) {
	b := newBench(t)
	header, err := os.ReadFile("../testdata/badplugins/c/sins.h")
	require.NoError(t, err)
	_, enum, _ := strings.Cut(string(header), "enum sin {")
	enum, _, _ = strings.Cut(enum, "}")
	listed := map[string]bool{"NONE": true}
	for _, s := range readSins(t, "Bad plugins in C") {
		listed[s.name] = true
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			cases := check(b.run(b.bad(t, s.name), limit), s.check)
			requireFailure(t, cases, s.message)
		})
	}
	for _, name := range regexp.MustCompile(`[A-Z_0-9]+`).FindAllString(enum, -1) {
		assert.True(t, listed[name], "%s is in sins.h and not in README.md", name)
	}
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
	for _, c := range tests.Scanning(context.Background(), r) {
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
	b := newBench(t)
	example := filepath.Join(t.TempDir(), "avir_csample.so")
	require.NoError(t, compile(t, example, append(sources(t, "../testdata/cplugin/*.c"), "-fPIC", "-shared", "-I../api/abi")...))
	for name, plugin := range map[string]string{"the example in C": example, "the bad plugin without a sin": b.bad(t, "NONE")} {
		t.Run(name, func(t *testing.T) {
			r := b.run(plugin, 20*time.Second)
			var all report.Report
			for _, test := range suite(nil) {
				all.Add(test.Run(context.Background(), r)...)
			}
			var table bytes.Buffer
			all.Table(&table)
			assert.True(t, all.OK(), table.String())
			assert.Greater(t, all.Count(report.Passed), len(hostile.All()))
		})
	}
}

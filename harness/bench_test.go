package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/progress"
	"github.com/avirkit/avirkit/harness/reference"
	"github.com/avirkit/avirkit/harness/samples"
)

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

// compile runs the C compiler for a platform.
func compile(t *testing.T, p *host.Platform, output string, args ...string) error {
	t.Helper()
	cmd := exec.Command("gcc", append([]string{p.Flag, "-O1", "-Wall", "-Werror", "-pthread", "-o", output}, args...)...)
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

// bench is a folder with the host for one platform and the samples in it.
type bench struct {
	dir      string
	platform *host.Platform
}

// newBench is for tests of the harness itself, to which a plugin's platform
// makes no difference.
func newBench(t *testing.T) *bench { return benchFor(t, host.Platforms[0]) }

func benchFor(t *testing.T, p *host.Platform) *bench {
	t.Helper()
	probe := filepath.Join(t.TempDir(), "probe.c")
	require.NoError(t, os.WriteFile(probe, []byte("#include <stdio.h>\nint main(void) { return 0; }\n"), 0o600))
	need(t, "gcc "+p.Flag+" does not work: apt-get install gcc-multilib", compile(t, p, filepath.Join(t.TempDir(), "probe"), probe))
	b := &bench{t.TempDir(), p}
	b.avserver(t, filepath.Join(b.dir, "avserver"))
	require.NoError(t, samples.Generate(filepath.Join(b.dir, "data")))
	return b
}

// avserver puts the host program at path.
func (b *bench) avserver(t *testing.T, path string) {
	t.Helper()
	once(t, "avserver "+b.platform.Name, path, func(path string) error {
		return b.compile(t, path, append(sources(t, "avserver/*.c"), "-ldl")...)
	})
}

// onEachPlatform runs a test that a plugin's platform may make a difference to.
func onEachPlatform(t *testing.T, test func(t *testing.T, b *bench)) {
	for _, p := range host.Platforms {
		t.Run(p.Name, func(t *testing.T) { test(t, benchFor(t, p)) })
	}
}

func (b *bench) compile(t *testing.T, output string, args ...string) error {
	t.Helper()
	return compile(t, b.platform, output, args...)
}

// programs is where what several tests use is built once.
var programs struct {
	dir   string
	built sync.Map // name to *sync.Once
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

// once puts a program at path that the first who needs it builds.
func once(t *testing.T, name, path string, build func(path string) error) string {
	t.Helper()
	first, _ := programs.built.LoadOrStore(name, &sync.Once{})
	built := filepath.Join(programs.dir, name)
	first.(*sync.Once).Do(func() { require.NoError(t, build(built)) })
	require.NoError(t, os.Link(built, path))
	return path
}

// bad returns the C plugin with one sin, compiled with what more is wanted.
func (b *bench) bad(t *testing.T, name string, more ...string) string {
	t.Helper()
	build := func(path string) error {
		args := append(sources(t, "../testdata/badplugins/c/*.c"), "-fPIC", "-shared", "-I../api/abi")
		return b.compile(t, path, append(args, more...)...)
	}
	honest := filepath.Join(t.TempDir(), "honest.so")
	if len(more) == 0 {
		once(t, "sins "+b.platform.Name, honest, build)
	} else {
		require.NoError(t, build(honest))
	}
	library, err := os.ReadFile(honest)
	require.NoError(t, err)
	choose(t, library, name)
	plugin := filepath.Join(t.TempDir(), "avir_sins.so")
	require.NoError(t, os.WriteFile(plugin, library, 0o700))
	return plugin
}

// choose writes the number of a sin into the C plugin: one compilation serves all.
func choose(t *testing.T, library []byte, name string) {
	t.Helper()
	mark := []byte("avir-sin-chosen\x00")
	require.Equal(t, 1, bytes.Count(library, mark))
	number := slices.Index(sinNames(t), name)
	require.GreaterOrEqual(t, number, 0, "sins.h has no %s", name)
	binary.LittleEndian.PutUint32(library[bytes.Index(library, mark)+len(mark):], uint32(number))
}

// sinNames returns the names in sins.h by their numbers.
func sinNames(t *testing.T) []string {
	t.Helper()
	header, err := os.ReadFile("../testdata/badplugins/c/sins.h")
	require.NoError(t, err)
	_, enum, found := strings.Cut(string(header), "enum sin {")
	require.True(t, found)
	enum, _, _ = strings.Cut(enum, "}")
	return regexp.MustCompile(`[A-Z_0-9]+`).FindAllString(enum, -1)
}

// run returns what the harness needs; the limit is short because some sins are
// to hang.
func (b *bench) run(plugin string, limit time.Duration, settings ...host.Setting) *reference.Run {
	return &reference.Run{
		Setup: host.Setup{Avserver: filepath.Join(b.dir, "avserver"), Plugin: plugin, Settings: settings, Limit: limit},
		Data:  filepath.Join(b.dir, "data"), Threads: 4, Wait: 100 * time.Millisecond, Quick: true,
		Show: progress.Discard(),
	}
}

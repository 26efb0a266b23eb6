package release

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/packages/repo"
	"github.com/avirkit/avirkit/internal/packages/signing"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/versions"
)

// a release that was made for all tests here, by several runs.
type made struct {
	options  Options
	manifest *build.Manifest
	outputs  []string // of the runs
	tested   string   // a line for each test that began
}

var makeOnce = sync.OnceValues(makeRelease)

func released(t *testing.T) *made {
	t.Helper()
	r, err := makeOnce()
	require.NoError(t, err)
	return r
}

// asRelease names the folder of a release to make, for a process of this test
// program that is there to be killed.
const asRelease = "AVIR_TEST_RELEASE"

var scratch string

func TestMain(m *testing.M) {
	if dir := os.Getenv(asRelease); dir != "" {
		if err := releaseIn(dir); err != nil {
			fmt.Fprintln(os.Stderr, "Error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	var err error
	if scratch, err = os.MkdirTemp("", "avirkit-release-test-"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(scratch)
	os.Exit(code)
}

func optionsIn(dir string) (Options, error) {
	os.Unsetenv("SOURCE_DATE_EPOCH")
	os.Unsetenv(repo.PublishedVariable)
	os.Setenv(repo.URLVariable, "https://packages.example.net/avirkit")
	os.Setenv(signing.KeyFileVariable, filepath.Join(dir, "key"))
	o, err := FromEnvironment(context.Background(), filepath.Join(dir, "checkout"))
	if err != nil {
		return o, err
	}
	o.Vulnerabilities = "file:///nonexistent" // as where the network does not reach it
	return o, nil
}

// releaseIn makes the release of the checkout in dir. Its second test waits
// until it is killed if the file "hang" is there.
func releaseIn(dir string) error {
	o, err := optionsIn(dir)
	if err != nil {
		return err
	}
	test := func(name string) Test {
		return Test{name, func(context.Context) ([]string, error) {
			journal, err := os.OpenFile(filepath.Join(dir, "tested"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
			if err != nil {
				return nil, err
			}
			defer journal.Close()
			fmt.Fprintln(journal, name)
			run.Printf("begun: %s", name)
			if _, err := os.Stat(filepath.Join(dir, "hang")); err == nil && name == "second test" {
				select {}
			}
			return []string{name + " leaves something out"}, nil
		}}
	}
	o.Tests = []Test{test("first test"), test("second test")}
	return Run(context.Background(), o)
}

// makeRelease makes a release of a copy of this checkout: the first run is
// killed in the second test, the second run while it makes packages.
func makeRelease() (*made, error) {
	root, err := run.Root()
	if err != nil {
		return nil, err
	}
	checkout := filepath.Join(scratch, "checkout")
	if _, err := signing.Throwaway(filepath.Join(scratch, "key"), 2048, epoch); err != nil {
		return nil, err
	}
	dists := map[string]string{toolchain.Zig: filepath.Join(checkout, "dist"), toolchain.GCC: filepath.Join(checkout, ".cache", "release", toolchain.GCC)}
	script := `set -e; umask 022; mkdir -p "$2/.cache"
cd "$1"; git ls-files -z --cached --others --exclude-standard | tar -c --null --ignore-failed-read --files-from - | tar -x -C "$2"
cd "$2"; git init -q; git add -A; git -c user.name=t -c user.email=t@example.org commit -q -m "a commit"; git tag "v$(cat VERSION)"
if [ -d "$1/.cache/zig-` + versions.Zig + `" ]; then ln -s "$1/.cache/zig-` + versions.Zig + `" .cache/; fi`
	for name, to := range dists {
		from := build.TestDist(root, name)
		if _, err := build.Run(context.Background(), build.Options{Root: root, Toolchain: name, Dist: from}); err != nil {
			return nil, err
		}
		script += fmt.Sprintf("\nmkdir -p %s; cp -a %s/. %s", to, from, to)
	}
	if out, err := exec.Command("bash", "-c", script, "bash", root, checkout).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("copy the checkout: %w\n%s", err, out)
	}
	r := &made{}
	if err := os.WriteFile(filepath.Join(scratch, "hang"), nil, 0o644); err != nil {
		return nil, err
	}
	for i, end := range []string{"begun: second test", ".deb ", "", ""} {
		if i == 1 {
			os.Remove(filepath.Join(scratch, "hang"))
		}
		out, err := runUntil(end)
		if err != nil {
			return nil, fmt.Errorf("run %d: %w\n%s", i+1, err, out)
		}
		r.outputs = append(r.outputs, out)
	}
	if r.options, err = optionsIn(scratch); err != nil {
		return nil, err
	}
	tested, err := os.ReadFile(filepath.Join(scratch, "tested"))
	if err != nil {
		return nil, err
	}
	r.tested = string(tested)
	r.manifest, err = build.ReadManifest(r.options.Packages.Dist)
	return r, err
}

// runUntil makes the release in another process, and kills that when it prints
// something; with "" it must end by itself.
func runUntil(text string) (output string, err error) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asRelease+"="+scratch)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return "", err
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		output += lines.Text() + "\n"
		if text != "" && strings.Contains(lines.Text(), text) {
			err := cmd.Process.Kill()
			_ = cmd.Wait()
			return output, err
		}
	}
	if err := cmd.Wait(); err != nil || text != "" {
		return output, fmt.Errorf("it ended before %q: %w", text, err)
	}
	return output, nil
}

func TestAReleaseThatWasKilledGoesOn(t *testing.T) {
	r := released(t)
	assert.Equal(t, "first test\nsecond test\nsecond test\n", r.tested, "a test that passed is not run again, and one that did not end is")
	const again = ": done before for this commit, version and key\n"
	for i, want := range [][]string{
		{},
		{"comparison of both toolchains", "first test"},
		{"comparison of both toolchains", "first test", "second test"},
		{"comparison of both toolchains", "first test", "second test", "packages", "files of the release"},
	} {
		assert.Equal(t, len(want), strings.Count(r.outputs[i], again), r.outputs[i])
		for _, step := range want {
			assert.Contains(t, r.outputs[i], "ok "+step+again)
		}
	}
	assert.Contains(t, r.outputs[3], "!! first test leaves something out", "what was found then is still said")
	assert.Contains(t, r.outputs[3], "!! known vulnerabilities were NOT looked up")
	var names []string
	entries, err := os.ReadDir(filepath.Dir(r.options.Out))
	require.NoError(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	assert.Equal(t, []string{"PUBLISH.sh", "SHA256SUMS", "debug", "linux-386", "linux-amd64", "manifest.json", "packages", "release", "release-repo"}, names,
		"nothing half-written is left")
}

func TestAStepIsDoneAgainUnlessItsResultsAreThere(t *testing.T) {
	dir := t.TempDir()
	file, results := filepath.Join(dir, "finished.json"), filepath.Join(dir, "results")
	times := 0
	do := func(identity string, failure error) {
		t.Helper()
		s := newSteps(file, identity)
		_, err := s.run(t.Context(), "a step", []string{results}, func(context.Context) ([]string, error) {
			times++
			require.NoError(t, os.MkdirAll(results, 0o755))
			return nil, errors.Join(failure, os.WriteFile(filepath.Join(results, "result"), []byte("made"), 0o644))
		})
		require.ErrorIs(t, err, failure)
		_, err = s.run(t.Context(), "the next", nil, func(context.Context) ([]string, error) { return nil, nil })
		require.NoError(t, err)
	}
	for _, c := range []struct {
		name   string
		change func() error
		times  int
	}{
		{"nothing changed", func() error { return nil }, 0},
		{"a byte changed", func() error { return os.WriteFile(filepath.Join(results, "result"), []byte("mads"), 0o644) }, 1},
		{"the results are gone", func() error { return os.RemoveAll(results) }, 1},
		{"the record is damaged", func() error { return os.Truncate(file, 20) }, 1},
		{"the record is gone", func() error { return os.Remove(file) }, 1},
		{"another commit", func() error { do("another", nil); return os.RemoveAll(results) }, 1},
	} {
		do("one", nil)
		require.NoError(t, c.change(), c.name)
		times = 0
		do("one", nil)
		assert.Equal(t, c.times, times, c.name)
	}
	require.NoError(t, os.Remove(file))
	s, failure := newSteps(file, "one"), errors.New("no")
	_, err := s.run(t.Context(), "a step", nil, func(context.Context) ([]string, error) { return nil, failure })
	require.ErrorIs(t, err, failure)
	assert.NoFileExists(t, file, "a step that failed is not remembered")
}

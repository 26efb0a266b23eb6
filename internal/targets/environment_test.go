package targets

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/packages/repo"
	"github.com/avirkit/avirkit/internal/packages/signing"
	"github.com/avirkit/avirkit/internal/run"
)

// place is a copy of the checkout, in which a person runs mage.
type place struct {
	dir   string
	epoch string // the commit's time
	env   []string
}

// A situation is what surrounds a build, and what must come of it: the same
// bytes, or an error that names it.
type situation struct {
	name string
	env  []string                       // variables; "NAME" alone is unset
	in   func(t *testing.T, p *place)   // what is prepared in the place, and undone at the end of the test
	as   string                         // shell commands before mage, which gets "$@"
	root bool                           // as needs root
	want string                         // part of the error; empty: the same bytes
	with func(p *place) (more []string) // variables that depend on the place
}

var situations = []situation{
	{name: "compilers and their flags", env: []string{
		"CC=/nonexistent/cc", "CXX=/nonexistent/c++", "CGO_CFLAGS=-nonsense", "CGO_CPPFLAGS=-nonsense", "CGO_CXXFLAGS=-nonsense", "CGO_LDFLAGS=-nonsense",
		"CPATH=/nonexistent", "C_INCLUDE_PATH=/nonexistent", "LIBRARY_PATH=/nonexistent", "CFLAGS=-nonsense", "LDFLAGS=-nonsense"}},
	{name: "variables of the go command", env: []string{
		"GOFLAGS=-tags=mine", "GO386=softfloat", "GOAMD64=v1", "GOTOOLCHAIN=local", "GODEBUG=gctrace=0", "GOPRIVATE=*.example.org", "GOTELEMETRY=off"}},
	{name: "settings of the go command", in: func(t *testing.T, p *place) {
		file := filepath.Join(p.dir, "..", "goenv")
		require.NoError(t, os.WriteFile(file, []byte("GOFLAGS=-ldflags=-w\nCGO_CFLAGS=-nonsense\nCGO_LDFLAGS=-nonsense\nCC=/nonexistent/cc\n"), 0o600))
		p.env = append(p.env, "GOENV="+file)
	}},
	{name: "another system in GOOS", env: []string{"GOOS=windows"}, want: "unset_GOOS"},
	{name: "an architecture in GOARCH", env: []string{"GOARCH=arm64"}, want: "exec format error"},
	{name: "GOWORK", env: []string{"GOWORK=/nonexistent/go.work"}, want: "reading go.work: open /nonexistent/go.work"},
	{name: "a go.work above", in: func(t *testing.T, p *place) {
		above := filepath.Join(p.dir, "..", "go.work")
		require.NoError(t, os.WriteFile(above, []byte("go 1.26.0\n"), 0o644))
		t.Cleanup(func() { os.Remove(above) })
	}, want: `no such tool "mage"`}, // README.md says what that means
	{name: "README's command, whatever is set and lies above", env: []string{"GOOS=windows", "GOARCH=arm64", "GOWORK=/nonexistent/go.work"}, in: func(t *testing.T, p *place) {
		above := filepath.Join(p.dir, "..", "go.work")
		require.NoError(t, os.WriteFile(above, []byte("go 1.26.0\n"), 0o644))
		t.Cleanup(func() { os.Remove(above) })
		readme, err := os.ReadFile(filepath.Join(p.dir, "README.md"))
		require.NoError(t, err)
		require.Contains(t, string(readme), "`"+plainly+" go tool mage build`")
	}, as: `set -- ` + plainly + ` "$@"`},
	{name: "an old Go", with: func(p *place) []string {
		fake := filepath.Join(p.dir, "..", "oldgo")
		return []string{"PATH=" + fake + ":" + os.Getenv("PATH"), "GOTOOLCHAIN=local"}
	}, in: func(t *testing.T, p *place) {
		// As a Go before 1.26 would, which knows tools of go.mod.
		fake := filepath.Join(p.dir, "..", "oldgo")
		require.NoError(t, os.MkdirAll(fake, 0o755))
		real, err := exec.LookPath("go")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(fake, "go"), []byte("#!/bin/sh\nsed -i 's/^go 1.*/go 1.99/' go.mod\nexec "+real+" \"$@\"\n"), 0o755))
		mod, err := os.ReadFile(filepath.Join(p.dir, "go.mod"))
		require.NoError(t, err)
		t.Cleanup(func() { _ = os.WriteFile(filepath.Join(p.dir, "go.mod"), mod, 0o644) })
	}, want: "go.mod requires go >= 1.99"},
	{name: "git's own variables", env: []string{"GIT_DIR=/nonexistent", "GIT_WORK_TREE=/nonexistent", "GIT_INDEX_FILE=/nonexistent", "GIT_CEILING_DIRECTORIES=/"}},
	{name: "git's configuration", env: []string{
		"GIT_CONFIG_COUNT=4", "GIT_CONFIG_KEY_0=log.showSignature", "GIT_CONFIG_VALUE_0=true", "GIT_CONFIG_KEY_1=color.ui", "GIT_CONFIG_VALUE_1=always",
		"GIT_CONFIG_KEY_2=log.date", "GIT_CONFIG_VALUE_2=relative", "GIT_CONFIG_KEY_3=column.ui", "GIT_CONFIG_VALUE_3=always", "GIT_PAGER=/nonexistent"}},
	{name: "locale and time zone", env: []string{"LC_ALL=tr_TR.UTF-8", "LANG=tr_TR.UTF-8", "LANGUAGE=tr", "TZ=Asia/Tokyo"}},
	{name: "umask 077", as: `umask 077`},
	{name: "umask 000", as: `umask 000`},
	{name: "no HOME and no caches", env: []string{"HOME", "GOCACHE", "GOMODCACHE", "GOPATH", "XDG_CACHE_HOME"}, want: "GOMODCACHE"},
	{name: "no HOME, but caches", env: []string{"HOME"}},
	{name: "a HOME that can't be written", env: []string{"HOME=/proc", "MAGEFILE_CACHE"}, want: "MAGEFILE_CACHE"},
	{name: "a TMPDIR that is not there", env: []string{"TMPDIR=/nonexistent/tmp"}, want: "/nonexistent/tmp"},
	{name: "a TMPDIR that runs no programs", root: true, as: `mkdir -p ../tmp; mount -t tmpfs -o noexec none ../tmp; export TMPDIR="$(realpath ../tmp)"`},
	{name: "a checkout that runs no programs", root: true, as: `mount --bind . .; mount -o remount,bind,noexec .; cd .`},
	{name: "neither a checkout nor a TMPDIR that runs programs", root: true, want: "set TMPDIR to a folder that runs programs",
		as: `mkdir -p ../tmp; mount -t tmpfs -o noexec none ../tmp; export TMPDIR="$(realpath ../tmp)"; mount --bind . .; mount -o remount,bind,noexec .; cd .`},
	{name: "few descriptors", as: `ulimit -n 64`, want: "ulimit -n"},
	{name: "as many descriptors as are needed", as: `ulimit -n 256`},
	{name: "a time in the future", env: []string{"SOURCE_DATE_EPOCH=4000000000"}, want: "SOURCE_DATE_EPOCH is in the future"},
	{name: "a commit in the future", in: func(t *testing.T, p *place) {
		p.git(t, "GIT_COMMITTER_DATE=2090-01-01T00:00:00Z", "commit", "-q", "--allow-empty", "-m", "later")
		t.Cleanup(func() { p.git(t, "A=", "reset", "-q", "--hard", "HEAD~") })
	}, want: "the commit's time is in the future"},
	{name: "a container without a terminal or a network", root: true,
		as: `set -- unshare --pid --fork --kill-child --mount-proc --ipc --uts --net sh -c 'hostname elsewhere; unset TERM; exec "$@" </dev/null' sh "$@"`},
	{name: "a source archive inside another repository", in: archiveInside, with: func(p *place) []string { return []string{"SOURCE_DATE_EPOCH=" + p.epoch} }},
	{name: "a source archive without a time", in: archiveInside, want: "set SOURCE_DATE_EPOCH"},
	{name: "another user", root: true, in: func(t *testing.T, p *place) {
		cache := t.TempDir()
		require.NoError(t, os.Chmod(filepath.Dir(cache), 0o755))
		script := fmt.Sprintf(`set -e; cp -al "$(go env GOMODCACHE)" %[1]s/mod; chmod 755 %[1]s; chown -R 65534 %[2]s "$KEY"; chown 65534 %[1]s`, cache, p.dir)
		cmd := exec.Command("bash", "-c", script)
		cmd.Env = append(os.Environ(), "KEY="+filepath.Join(p.dir, "..", "key"))
		out, err := cmd.CombinedOutput()
		require.NoErrorf(t, err, "%s", out)
		p.env = append(p.env, "HOME="+cache, "GOCACHE="+cache+"/build", "GOMODCACHE="+cache+"/mod", "GOPATH="+cache, "TMPDIR="+cache, "MAGEFILE_CACHE="+cache+"/mage")
		t.Cleanup(func() {
			out, err := exec.Command("chown", "-R", "0", p.dir, filepath.Join(p.dir, "..", "key")).CombinedOutput()
			require.NoErrorf(t, err, "%s", out)
		})
	}, as: `set -- setpriv --reuid 65534 --regid 65534 --clear-groups "$@"`},
}

// plainly is what README.md puts before a command where the go command itself
// fails.
const plainly = "env -u GOOS -u GOARCH GOWORK=off"

// archiveInside takes the place's own repository away, and puts one around it
// with a tag of another version.
func archiveInside(t *testing.T, p *place) {
	above := filepath.Dir(p.dir)
	require.NoError(t, os.Rename(filepath.Join(p.dir, ".git"), filepath.Join(above, "git-aside")))
	around := &place{dir: above}
	around.git(t, "A=", "init", "-q")
	around.git(t, "A=", "commit", "-q", "--allow-empty", "-m", "around")
	around.git(t, "A=", "tag", "v9.9.9")
	t.Cleanup(func() {
		require.NoError(t, os.RemoveAll(filepath.Join(above, ".git")))
		require.NoError(t, os.Rename(filepath.Join(above, "git-aside"), filepath.Join(p.dir, ".git")))
	})
}

func (p *place) git(t *testing.T, env string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", p.dir, "-c", "user.name=t", "-c", "user.email=t@example.org"}, args...)...)
	cmd.Env = append(os.Environ(), env)
	out, err := cmd.CombinedOutput()
	require.NoErrorf(t, err, "%s", out)
	return strings.TrimSpace(string(out))
}

// newPlace copies the checkout, as git would, into a repository of its own.
func newPlace(t *testing.T) *place {
	t.Helper()
	root, err := run.Root()
	require.NoError(t, err)
	top := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(top), 0o755)) // another user comes, too
	require.NoError(t, os.Chmod(top, 0o755))
	p := &place{dir: filepath.Join(top, "checkout")}
	require.NoError(t, os.Mkdir(p.dir, 0o755))
	out, err := exec.Command("bash", "-c", `set -e; cd "$1"; git ls-files -z --cached --others --exclude-standard | tar -c --null --ignore-failed-read --files-from - | tar -x -C "$2"`, "bash", root, p.dir).CombinedOutput()
	require.NoErrorf(t, err, "%s", out)
	p.git(t, "A=", "init", "-q")
	p.git(t, "A=", "add", "-A")
	p.git(t, "A=", "commit", "-q", "-m", "a commit")
	p.epoch = p.git(t, "A=", "log", "-1", "--format=%ct")
	_, err = signing.Throwaway(filepath.Join(top, "key"), 2048, time.Now().Add(-time.Hour))
	require.NoError(t, err)
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH"} {
		value, err := exec.Command("go", "env", name).Output()
		require.NoError(t, err)
		p.env = append(p.env, name+"="+strings.TrimSpace(string(value)))
	}
	p.env = append(p.env, "GOENV=off", "AVIR_TOOLCHAIN="+toolchain.GCC, "AVIR_NO_INSTALL=1", "SOURCE_DATE_EPOCH", repo.PublishedVariable, repo.URLVariable+"=https://packages.example.net",
		signing.KeyFileVariable+"="+filepath.Join(top, "key"), "MAGEFILE_CACHE="+filepath.Join(top, "mage"))
	return p
}

// make removes dist, makes it again with the packages and the repositories, and
// returns what lies there then.
func (p *place) make(t *testing.T, s situation) (made map[string]string, output string, err error) {
	t.Helper()
	here := place{p.dir, p.epoch, slices.Clone(p.env)}
	if s.in != nil {
		s.in(t, &here)
	}
	dist := filepath.Join(p.dir, "dist")
	require.NoError(t, os.RemoveAll(dist))
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	args := []string{"-c", "set -e\n" + s.as + "\nexec \"$@\"", "sh", "go", "tool", "mage", "build", "package", "repo"}
	name := "sh"
	if s.root {
		name, args = "unshare", append([]string{"--mount", "sh"}, args...)
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.SysProcAttr = p.dir, &syscall.SysProcAttr{Setsid: true} // no terminal
	cmd.Env = os.Environ()
	if s.with != nil {
		here.env = append(here.env, s.with(p)...)
	}
	for _, e := range append(here.env, s.env...) {
		key, _, set := strings.Cut(e, "=")
		cmd.Env = slices.DeleteFunc(cmd.Env, func(old string) bool { return strings.HasPrefix(old, key+"=") })
		if set {
			cmd.Env = append(cmd.Env, e)
		}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, string(out), err
	}
	made = map[string]string{}
	require.NoError(t, filepath.WalkDir(dist, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		made[strings.TrimPrefix(path, dist)] = fmt.Sprintf("%v %x", info.Mode(), sha256.Sum256(data))
		return err
	}))
	return made, string(out), nil
}

// The builds of one commit are the same, whatever surrounds them, or their
// error names what is in the way.
func TestWhatSurroundsABuildChangesNothingOrIsNamedAtFullLength(t *testing.T) {
	p := newPlace(t)
	want, out, err := p.make(t, situation{})
	require.NoErrorf(t, err, "%s", out)
	require.Contains(t, want, "/repo/apt/dists/stable/InRelease")
	other, out, err := p.make(t, situation{env: []string{"SOURCE_DATE_EPOCH=1700000000"}})
	require.NoErrorf(t, err, "%s", out)
	require.NotEqual(t, want, other, "what does change the bytes is seen")
	for _, s := range situations {
		t.Run(s.name, func(t *testing.T) {
			if s.root && os.Geteuid() != 0 {
				t.Skip("needs root")
			}
			made, out, err := p.make(t, s)
			if s.want != "" {
				require.Error(t, err)
				assert.Contains(t, out, s.want)
				return
			}
			require.NoErrorf(t, err, "%s", out)
			for _, name := range slices.Sorted(maps.Keys(want)) {
				assert.Equal(t, want[name], made[name], name)
			}
			assert.Len(t, made, len(want))
		})
	}
}

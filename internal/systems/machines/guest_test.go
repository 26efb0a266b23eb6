package machines

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/systems/session"
	"github.com/avirkit/avirkit/internal/systems/settings"
)

// aGuest is one whose ssh is never run, or a fake.
func aGuest(t *testing.T) *guest {
	t.Helper()
	dir := t.TempDir()
	return &guest{
		vagrant: vagrant{Session: &session.Session{Mode: session.SystemLibvirt, Dir: dir, Short: dir, Name: "avirkit-1-1"}},
		machine: &settings.Machine{Name: "debian6", Platform: "linux-386", Packages: "deb"},
		config:  write(t, filepath.Join(dir, "debian6.ssh"), "Host debian6\n  HostName 192.168.121.16\n  User vagrant\n  LogLevel FATAL\n"),
	}
}

func TestOnlyOldSystemsGetOldKeys(t *testing.T) {
	g := aGuest(t)
	assert.NotContains(t, strings.Join(g.ssh("true").Args, " "), "ssh-rsa")
	g.machine.OldSSH = true
	args := g.ssh("true", "-R", "1:2").Args
	assert.Contains(t, args, "HostKeyAlgorithms=+ssh-rsa")
	assert.Equal(t, []string{"-R", "1:2", "debian6", "true"}, args[len(args)-4:])
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip("NOT TESTED: no ssh on this machine: ", err)
	}
	out, err := exec.Command("ssh", append([]string{"-G"}, args...)...).CombinedOutput()
	require.NoError(t, err, string(out))
	for _, line := range []string{
		`(?m)^hostkeyalgorithms .*\bssh-rsa\b`, `(?m)^kexalgorithms .*diffie-hellman-group-exchange-sha1`, `(?m)^ciphers .*aes128-cbc`,
		// Vagrant's file wants silence, which would hide why an old sshd won't do.
		`(?m)^loglevel INFO`, `(?m)^hostname 192\.168\.121\.16`,
	} {
		assert.Regexp(t, line, string(out))
	}
}

func TestOnlyRegularFilesOfAGuestAreTaken(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []tar.Header{
		{Name: "./good.xml", Mode: 0o4755, Uid: 1234, Typeflag: tar.TypeReg},
		{Name: "../../outside.xml", Mode: 0o644, Typeflag: tar.TypeReg},
		{Name: "/etc/absolute.xml", Mode: 0o644, Typeflag: tar.TypeReg},
		{Name: "link", Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink},
		{Name: "link", Mode: 0o644, Typeflag: tar.TypeReg},
		{Name: "hard", Linkname: "good.xml", Typeflag: tar.TypeLink},
		{Name: "null", Devmajor: 1, Devminor: 3, Typeflag: tar.TypeChar},
		{Name: "pipe", Typeflag: tar.TypeFifo},
		{Name: "folder/", Mode: 0o777, Typeflag: tar.TypeDir},
		{Name: "..", Mode: 0o644, Typeflag: tar.TypeReg},
		{Name: ".hidden", Mode: 0o644, Typeflag: tar.TypeReg},
	} {
		text := "text"
		if h.Typeflag != tar.TypeReg {
			text = ""
		}
		h.Size = int64(len(text))
		require.NoError(t, w.WriteHeader(&h))
		_, err := io.WriteString(w, text)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	top := t.TempDir()
	dir := filepath.Join(top, "a", "b")

	require.NoError(t, unpackResults(&b, dir))

	var names []string
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o644), info.Mode(), e.Name())
		assert.EqualValues(t, os.Getuid(), info.Sys().(*syscall.Stat_t).Uid)
		names = append(names, e.Name())
	}
	assert.Equal(t, []string{"absolute.xml", "good.xml", "link", "outside.xml"}, names)
	assert.NoFileExists(t, filepath.Join(top, "outside.xml"))
	assert.Error(t, unpackResults(strings.NewReader(strings.Repeat("no tar file ", 100)), dir))
}

// scripts collects the scripts that a check would run.
func scripts(t *testing.T, format string, full bool) []string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	require.NoError(t, err)
	data, err := packages.Load(filepath.Join(root, "packaging"))
	require.NoError(t, err)
	g := aGuest(t)
	g.machine.Packages, g.machine.KernelFloor = format, "2.6.32"
	log := filepath.Join(g.Dir, "scripts")
	fakeProgram(t, "ssh", "cat >> "+log+"; printf '\\0' >> "+log)
	version, err := packages.ParseVersion("1.2.3")
	require.NoError(t, err)
	c := &check{guest: g, log: io.Discard, run: &testRun{
		Options: Options{Full: full}, socket: "/clamd", kit: kit{data: data, new: version, old: version.Older()},
	}}
	connect := c.product("connect")
	ctx := t.Context()
	require.NoError(t, c.tellFacts(ctx))
	c.do(ctx, "fake", startFake(g.machine.For()))
	c.do(ctx, "products", makeProducts)
	c.do(ctx, "install", connect.install(newPackages, version))
	c.plugin(ctx, "avir_clam with the fake clamd", connect.library("clam"), []string{"all"}, clamdAt(fakePort)...)
	c.do(ctx, "uninstall", connect.uninstall())
	c.stacks(ctx)
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
}

func TestTheScriptsAreFitForEveryShell(t *testing.T) {
	for _, format := range []string{"deb", "rpm"} {
		all := scripts(t, format, false)
		assert.Len(t, all, 8)
		for _, script := range all {
			for _, shell := range [][]string{{"sh"}, {"dash"}, {"bash", "--posix"}} {
				if _, err := exec.LookPath(shell[0]); err != nil {
					continue
				}
				out, err := exec.Command(shell[0], append(shell[1:], "-n", "-c", script)...).CombinedOutput()
				assert.NoError(t, err, "%s: %s\n%s", shell, script, out)
			}
		}
		text := strings.Join(all, "\n")
		assert.Contains(t, text, map[string]string{"deb": "dpkg -i packages/", "rpm": "rpm -U packages/"}[format])
		assert.Contains(t, text, "--quick --wait 5s --kernel-floor 2.6.32")
	}
	assert.Contains(t, strings.Join(scripts(t, "deb", true), "\n"), "--wait 150s")
	assert.NotContains(t, strings.Join(scripts(t, "deb", true), "\n"), "--quick")
}

// localGuest lets the scripts run on this machine, as this user.
func localGuest(t *testing.T) *check {
	t.Helper()
	g := aGuest(t)
	home := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(home, "avirkit", "out"), 0o755))
	fakeProgram(t, "sudo", "shift; exec \"$@\"")
	fakeProgram(t, "ssh", "for line; do :; done\ncd "+home+" && exec sh -c \"$line\"")
	return &check{guest: g, log: io.Discard, run: &testRun{vagrant: g.vagrant}}
}

func TestAPluginThatCantScanFailsItsOtherTestsAtOnceWithOneReason(t *testing.T) {
	c := localGuest(t)
	c.plugin(t.Context(), "avir_clam with a real clamd", "/nonexistent/avir_clam.so", []string{"waiting", "server", "hostile"})
	require.Len(t, c.steps, 4)
	assert.True(t, c.steps[0].failed)
	for _, s := range c.steps[1:] {
		assert.False(t, s.failed)
		assert.Equal(t, "its scanning failed", s.skipped)
	}
	assert.True(t, c.failed())
}

const harnessSays = `TEST     CASE      EXPECTED  GOT  TIME   RESULT
hostile  state     same      same 1.2 s  *Success*
hostile  x         same           0 s    not applicable
hostile  signals   same      no   1.2 s  **Failed**

not applicable: hostile/x
  did       nothing
  saw       no cgroup

**Failed**: hostile/signals
  did       storms
  saw       nothing good

not applicable: hostile/y
  saw       no cgroup

1 passed, 1 failed, 2 not applicable; did not run: hostile/x, hostile/y (no cgroup)
`

func TestAFailedStepShowsWhatFailedAndNotWhatCouldNotRun(t *testing.T) {
	c := localGuest(t)
	assert.True(t, c.do(t.Context(), "good", "echo fine\n"))
	assert.False(t, c.do(t.Context(), "bad", "cat <<'END'\n"+harnessSays+"END\nfalse\necho more\n"))
	require.Len(t, c.steps, 2)
	assert.Equal(t, `TEST     CASE      EXPECTED  GOT  TIME   RESULT
hostile  signals   same      no   1.2 s  **Failed**
**Failed**: hostile/signals
did       storms
saw       nothing good
1 passed, 1 failed, 2 not applicable; did not run: hostile/x, hostile/y (no cgroup)`, c.steps[1].output)
	assert.False(t, c.steps[0].failed)
	assert.False(t, c.do(t.Context(), "flood", "i=0; while [ $i -lt 200 ]; do echo line $i; i=$((i+1)); done; false\n"))
	assert.Equal(t, outputLines, len(strings.Split(c.steps[2].output, "\n")))
	assert.Contains(t, c.steps[2].output, "line 199", "the end matters most")
}

func TestAFakeClamdThatHangsLeavesItsStacksInTheResults(t *testing.T) {
	c := localGuest(t)
	dir := filepath.Join("..", "..", "..", "plugins")
	home := strings.TrimSpace(output(t, c, "pwd"))
	name := c.guest.machine.Platform
	require.NoError(t, os.MkdirAll(filepath.Join(home, name), 0o755))
	build := exec.Command("go", "build", "-o", filepath.Join(home, name, "fakeclamd"), "./clam/cmd/fakeclamd")
	build.Dir = dir
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	free := "0" // any port: this test asks it nothing
	script := strings.ReplaceAll(startFake(c.guest.machine.For()), "3399", free)
	require.True(t, c.do(t.Context(), "start the fake clamd", script))
	pid := strings.TrimSpace(output(t, c, "cat fake.pid"))
	require.NoError(t, exec.Command("kill", "-0", pid).Run(), "it runs in the background")

	c.stacks(t.Context())

	assert.Error(t, exec.Command("kill", "-0", pid).Run())
	results := t.TempDir()
	require.NoError(t, c.guest.download(t.Context(), results))
	log, err := os.ReadFile(filepath.Join(results, "fakeclamd.log"))
	require.NoError(t, err)
	assert.Contains(t, string(log), "SIGQUIT")
	assert.Regexp(t, `goroutine \d+ .*\[`, string(log))
}

func output(t *testing.T, c *check, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := c.guest.sudo(script + "\n").Run(ctx)
	require.NoError(t, err)
	return out
}

func TestASudoThatWantsAPasswordIsNamed(t *testing.T) {
	c := localGuest(t)
	fakeProgram(t, "sudo", "echo 'sudo: a password is required' >&2; exit 1")
	err := c.tellFacts(t.Context())
	require.Error(t, err)
	first, _, _ := strings.Cut(err.Error(), "\n")
	assert.Equal(t, "the user vagrant of debian6 can't become root without a password: its box must allow that (NOPASSWD in /etc/sudoers)", first)
}

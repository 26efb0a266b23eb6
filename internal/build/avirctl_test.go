package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
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

	"github.com/avirkit/avirkit/internal/asroot"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/plugins/clam/clamdtest"
	"github.com/avirkit/avirkit/plugins/clam/realclamd"
	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

// A set-up is a tree like that of a machine with Kerio Connect, a real clamd
// behind a relay, and a running server in a /proc of its own. In the beginning
// all is well.
type setup struct {
	root  string
	clamd *realclamd.Clamd
	relay *relay
	args  []string // more of avirctl check

	program string   // avirctl
	through []string // a program that executes it
}

const (
	socketPath = "/run/clamav/clamd.ctl"
	confPath   = "/etc/clamav/clamd.conf"
	serverPath = "/opt/kerio/mailserver/plugin/avserver/avserver"
	pluginPath = "/opt/kerio/mailserver/plugin/avserver/avirs/avir_clam.so"
)

func newSetup(t *testing.T, dist string, p *platform.Platform, clamd *realclamd.Clamd) *setup {
	t.Helper()
	root, err := os.MkdirTemp("", "setup") // a unix socket's path must be short
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	require.NoError(t, os.Chmod(root, 0o755)) // the product's user gets in
	s := &setup{root: root, clamd: clamd, program: filepath.Join(dist, platform.Native().Name, "avirctl")}
	s.copy(t, filepath.Join(dist, p.Name, "avserver"), serverPath)
	s.copy(t, filepath.Join(dist, p.Name, "avir_clam.so"), pluginPath)
	for _, p := range platform.All {
		s.copy(t, filepath.Join(dist, p.Name, "avserver"), "/usr/lib/avirkit/"+p.Name+"/avserver")
	}
	s.write(t, "/etc/passwd", fmt.Sprintf("root:x:0:0::/root:/bin/sh\nmailer:x:%[1]d:%[1]d::/:/bin/sh\n", mailer()))
	s.write(t, confPath, "LocalSocket "+socketPath+"\nTemporaryDirectory /tmp\nAlertEncrypted yes\nAlertExceedsMax yes\n"+
		"MaxFileSize 100M\nStreamMaxLength 100M\nMaxScanSize 100M\nMaxThreads 10\n")
	s.write(t, "/tmp/nothing", "")
	s.write(t, "/proc/meminfo", "MemAvailable: 4000000 kB\n")
	s.write(t, "/proc/20/status", "Name:\tclamd\nUid:\t1\t1\t1\t1\nVmRSS:\t 1000000 kB\n")
	s.write(t, "/proc/20/limits", "Max open files            1024                 4096                 files     \n")
	s.write(t, "/proc/10/status", fmt.Sprintf("Name:\tavserver\nUid:\t%[1]d\t%[1]d\t%[1]d\t%[1]d\nGid:\t%[1]d\t%[1]d\t%[1]d\t%[1]d\n", mailer()))
	require.NoError(t, os.Symlink(serverPath, s.path("/proc/10/exe")))
	s.mapInto(t, pluginPath)
	// What has ended and is not waited for runs no more.
	s.write(t, "/proc/11/status", "Name:\tavserver\nState:\tZ (zombie)\n")
	s.write(t, "/proc/21/status", "Name:\tclamd\nState:\tZ (zombie)\n")
	// clamd was started just now, after all that it reads was written.
	s.write(t, "/proc/stat", fmt.Sprintf("btime %d\n", time.Now().Unix()))
	s.write(t, "/proc/20/stat", "20 (clamd) S 1 7 7 0 -1 4194560 1 1 1 1 1 1 1 1 20 0 2 0 0 1 1")
	require.NoError(t, os.MkdirAll(filepath.Dir(s.path(socketPath)), 0o755))
	s.relay = listen(t, s.path(socketPath), clamd.Socket)
	return s
}

// mailer is the product's user: the owner of the tree, or nobody where that is
// root.
func mailer() int {
	if uid := os.Getuid(); uid != 0 {
		return uid
	}
	return 65534
}

func (s *setup) path(name string) string { return filepath.Join(s.root, name) }

func (s *setup) write(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(s.path(name)), 0o755))
	require.NoError(t, os.WriteFile(s.path(name), []byte(text), 0o644))
}

// copyFile keeps the mode.
func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	st, err := os.Stat(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, st.Mode().Perm())
}

func (s *setup) copy(t *testing.T, from, name string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(s.path(name)), 0o755))
	require.NoError(t, copyFile(from, s.path(name)))
	require.NoError(t, os.Chmod(s.path(name), 0o755))
}

// mapInto lets the running server have the file at a path in its memory.
func (s *setup) mapInto(t *testing.T, name string) {
	t.Helper()
	var st syscall.Stat_t
	require.NoError(t, syscall.Stat(s.path(name), &st))
	s.write(t, "/proc/10/maps", fmt.Sprintf("08048000-08056000 r-xp 00000000 03:0c %d %s\n", st.Ino, name))
}

// finding is a line of the report.
type finding struct{ Check, Level, Text, Remedy string }

// check runs avirctl check and returns its exit status and findings.
func (s *setup) check(t *testing.T) (status int, findings []finding) {
	t.Helper()
	out, status := s.avirctl(t, "check", "--json", "--hosts", s.path("/usr/lib/avirkit"))
	var report struct{ Findings []finding }
	require.NoError(t, json.Unmarshal([]byte(out), &report), out)
	return status, report.Findings
}

func (s *setup) avirctl(t *testing.T, args ...string) (out string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	args = slices.Concat(args, []string{"--root", s.root}, s.args)
	command := append(append(slices.Clone(s.through), s.program), args...)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	require.NoError(t, ctx.Err(), "%v did not end", cmd.Args)
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// relay passes connections on to clamd, as long as it is told to.
type relay struct {
	net.Listener
	version     string // its answer to VERSION
	descriptors bool   // passes descriptors on
}

func listen(t *testing.T, socket, clamd string) *relay {
	t.Helper()
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(socket, 0o666))
	r := &relay{Listener: l, version: "ClamAV 1.4.3/27800/" + time.Now().UTC().Add(-time.Hour).Format(time.ANSIC), descriptors: true}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go r.pass(conn.(*net.UnixConn), clamd)
		}
	}()
	return r
}

func (r *relay) pass(from *net.UnixConn, clamd string) {
	defer from.Close()
	conn, err := net.Dial("unix", clamd)
	if err != nil {
		return
	}
	to := conn.(*net.UnixConn)
	defer to.Close()
	go func() {
		_, _ = io.Copy(from, to)
		from.Close()
	}()
	buffer, control := make([]byte, 64<<10), make([]byte, 256)
	for {
		n, c, _, _, err := from.ReadMsgUnix(buffer, control)
		if n == 0 || err != nil {
			return
		}
		if string(buffer[:n]) == "zVERSION\x00" {
			_, _ = io.WriteString(from, r.version+"\x00")
			return
		}
		passed := control[:c]
		if !r.descriptors {
			passed = nil
		}
		if _, _, err := to.WriteMsgUnix(buffer[:n], passed, nil); err != nil {
			return
		}
		closeDescriptors(control[:c])
	}
}

func closeDescriptors(control []byte) {
	messages, _ := syscall.ParseSocketControlMessage(control)
	for _, m := range messages {
		fds, _ := syscall.ParseUnixRights(&m)
		for _, fd := range fds {
			_ = syscall.Close(fd)
		}
	}
}

// brokenSetups each have one thing wrong, which one line of the report must name
// with the right remedy.
var brokenSetups = map[string]struct {
	spoil        func(t *testing.T, s *setup, dist string, p *platform.Platform)
	check, level string
	text, remedy string
	status       int // 0: that of the level
	root         bool
}{
	"clamd is stopped": {
		spoil: func(t *testing.T, s *setup, _ string, _ *platform.Platform) {
			require.NoError(t, s.relay.Close())
			require.NoError(t, os.RemoveAll(s.path("/proc/20")))
		},
		check: "clamd", level: "failed", text: socketPath + " does not answer", remedy: "start clamd",
	},
	"the option Address names another socket": {
		spoil: func(_ *testing.T, s *setup, _ string, _ *platform.Platform) {
			s.args = []string{"--set", "Address=/run/clamav/other.ctl"}
		},
		check: "clamd", level: "failed", text: "/run/clamav/other.ctl does not answer", remedy: "set Address to " + socketPath,
	},
	"only root may open the socket": {
		spoil: func(t *testing.T, s *setup, _ string, _ *platform.Platform) {
			require.NoError(t, os.Chmod(s.path(socketPath), 0o600))
			s.args = []string{"--set", "Address=" + socketPath}
		},
		check: "socket", level: "failed", text: "mailer may not open " + socketPath, remedy: "LocalSocketMode 666", root: true,
	},
	"lines were appended to clamd.conf": {
		spoil: func(t *testing.T, s *setup, _ string, _ *platform.Platform) {
			text, err := os.ReadFile(s.path(confPath))
			require.NoError(t, err)
			s.write(t, confPath, strings.Replace(string(text), "MaxFileSize 100M", "MaxFileSize 25M", 1)+"MaxFileSize 100M\n")
		},
		check: "clamd.conf", level: "warning", text: "line 9 says 100M and counts for nothing", remedy: `change line 5 of ` + confPath + ` to "MaxFileSize 100M"`,
	},
	"clamd.conf has the line ends of Windows": {
		spoil: func(t *testing.T, s *setup, _ string, _ *platform.Platform) {
			text, err := os.ReadFile(s.path(confPath))
			require.NoError(t, err)
			s.write(t, confPath, strings.ReplaceAll(string(text), "\n", "\r\n"))
		},
		check: "clamd.conf", level: "failed", text: "clamd does not start with " + confPath, remedy: "sed -i",
	},
	"clamd is stopped and has no signatures yet": {
		spoil: func(t *testing.T, s *setup, _ string, _ *platform.Platform) {
			require.NoError(t, s.relay.Close())
			require.NoError(t, os.RemoveAll(s.path("/proc/20")))
			s.write(t, "/var/lib/clamav/freshclam.dat", "not a signature")
		},
		check: "clamd", level: "failed", text: "does not answer", remedy: "freshclam has fetched signatures",
	},
	"the temporary folder has no room": {
		spoil: func(t *testing.T, s *setup, _ string, _ *platform.Platform) {
			require.NoError(t, syscall.Mount("tmpfs", s.path("/tmp"), "tmpfs", 0, "size=1m"))
			t.Cleanup(func() { require.NoError(t, syscall.Unmount(s.path("/tmp"), 0)) })
		},
		check: "room", level: "failed", text: "/tmp has room for 1 MB", remedy: "make room for 1000 MB", root: true,
	},
	"the signatures are old": {
		spoil: func(_ *testing.T, s *setup, _ string, _ *platform.Platform) {
			s.relay.version = "ClamAV 1.4.3/27000/Tue Jan 14 09:30:00 2025"
		},
		check: "database", level: "failed", text: "signatures 27000 of 2025-01-14", remedy: "freshclam",
	},
	"the plugin is of the wrong width": {
		spoil: func(t *testing.T, s *setup, dist string, p *platform.Platform) {
			for _, other := range platform.All {
				if other != p {
					s.copy(t, filepath.Join(dist, other.Name, "avir_clam.so"), pluginPath)
					s.mapInto(t, pluginPath)
				}
			}
		},
		check: "plugin", level: "failed", text: "can't load it", remedy: "kerio-connect-avir-clam:",
	},
	"the server still has the library that was replaced": {
		spoil: func(t *testing.T, s *setup, _ string, _ *platform.Platform) {
			maps, err := os.ReadFile(s.path("/proc/10/maps"))
			require.NoError(t, err)
			s.write(t, "/proc/10/maps", strings.TrimSpace(string(maps))+" (deleted)\n")
		},
		check: "loaded", level: "warning", text: "process 10) still runs an older " + pluginPath, remedy: "off and on in the console",
	},
	"an option that the plugin doesn't know": {
		spoil: func(_ *testing.T, s *setup, _ string, _ *platform.Platform) {
			s.args = append(s.args, "--set", "Nope=1")
		},
		check: "start", level: "failed", text: "has no option Nope; it has Address, ",
	},
	"the library that the server has was removed": {
		spoil: func(t *testing.T, s *setup, _ string, _ *platform.Platform) {
			s.mapInto(t, pluginPath)
			maps, err := os.ReadFile(s.path("/proc/10/maps"))
			require.NoError(t, err)
			s.write(t, "/proc/10/maps", strings.TrimSpace(string(maps))+" (deleted)\n")
			require.NoError(t, os.Remove(s.path(pluginPath)))
			// The check of plugins fails, too; this is about the server.
		},
		check: "loaded", level: "warning", text: "process 10) still runs " + pluginPath + ", which is no longer on disk", remedy: "install the package again", status: 2,
	},
	"the server's memory can't be looked at": {
		spoil: func(t *testing.T, s *setup, _ string, _ *platform.Platform) {
			require.NoError(t, os.Remove(s.path("/proc/10/maps")))
		},
		check: "loaded", level: "warning", text: "whether the server (process 10) has loaded the plugin can't be seen", remedy: "run this as root",
	},
	"clamd.conf was changed and clamd not restarted": {
		spoil: func(t *testing.T, s *setup, _ string, _ *platform.Platform) {
			later := time.Now().Add(3 * time.Second)
			require.NoError(t, os.Chtimes(s.path(confPath), later, later))
			s.write(t, "/proc/20/cmdline", "/usr/sbin/clamd\x00--config-file="+confPath+"\x00")
		},
		check: "clamd.conf", level: "warning", text: confPath + " was changed after clamd (process 20) was started", remedy: "restart clamd",
	},
	"the product's user can't read the plugin": {
		spoil: func(t *testing.T, s *setup, _ string, _ *platform.Platform) {
			require.NoError(t, os.Chmod(filepath.Dir(s.path(pluginPath)), 0o700))
		},
		check: "start", level: "failed", text: "does not start in a host as mailer", remedy: "chmod o+rX /opt/kerio/mailserver/plugin/avserver/avirs", root: true,
	},
	"others can write to a folder above the plugins": {
		spoil: func(t *testing.T, s *setup, _ string, _ *platform.Platform) {
			require.NoError(t, os.Chmod(s.path("/opt/kerio"), 0o777))
		},
		check: "plugin", level: "warning", text: "may be replaced by everybody, who can write to /opt/kerio and", remedy: "chmod go-w /opt/kerio",
	},
	"clamd refuses descriptors": {
		spoil: func(_ *testing.T, s *setup, _ string, _ *platform.Platform) { s.relay.descriptors = false },
		check: "descriptor", level: "warning", text: "refuses a file by descriptor", remedy: "AppArmor",
	},
}

func TestAvirctlFindsNothingWrongWhereAllIsWell(t *testing.T) {
	clamd := clamdtest.Start(t, nil)
	for _, p := range platform.All {
		t.Run(p.Name, func(t *testing.T) {
			allIsWell(t, newSetup(t, dist(t, toolchain.Zig), p, clamd))
		})
	}
}

func allIsWell(t *testing.T, s *setup) {
	t.Helper()
	status, findings := s.check(t)
	assert.Zero(t, status)
	checks := map[string]bool{}
	for _, f := range findings {
		assert.Equal(t, "ok", f.Level, "%+v", f)
		checks[f.Check] = true
	}
	assert.GreaterOrEqual(t, len(checks), 14)
}

func TestAvirctlRunsUnderTheKernelFloor(t *testing.T) {
	clamd := clamdtest.Start(t, nil)
	dir := t.TempDir()
	source := filepath.Join(dir, "under.c")
	require.NoError(t, os.WriteFile(source, []byte(`#include "floor.h"
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv) {
    const char *wrong = argc < 3 ? "under VERSION PROGRAM" : kernel_floor(argv[1]);
    if (!wrong)
        execv(argv[2], argv + 2);
    return puts(wrong ? wrong : "can't execute it"), 125;
}
`), 0o644))
	under, c := filepath.Join(dir, "under"), "../../harness/avserver/"
	out, err := exec.Command("gcc", "-I"+c, "-o", under, source, c+"floor.c").CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, p := range platform.All {
		t.Run(p.Name, func(t *testing.T) {
			s := newSetup(t, dist(t, toolchain.Zig), p, clamd)
			s.program, s.through = filepath.Join(dist(t, toolchain.Zig), p.Name, "avirctl"), []string{under, p.KernelFloor}
			allIsWell(t, s)
		})
	}
}

func TestAvirctlScansWithTheInstalledPlugin(t *testing.T) {
	clamd := clamdtest.Start(t, nil)
	s := newSetup(t, dist(t, toolchain.Zig), platform.Native(), clamd)
	clean, virus, locked := s.path("/clean"), s.path("/virus"), s.path("/locked")
	s.write(t, "/clean", "a clean file")
	require.NoError(t, os.WriteFile(virus, testvirus.EICAR(), 0o644))
	require.NoError(t, os.WriteFile(locked, testvirus.Encrypted().Bytes(), 0o644))
	for _, c := range []struct {
		files  []string
		status int
		says   string
	}{
		{[]string{clean}, 0, "OK "},
		{[]string{virus, clean}, 1, "VIRUS_FOUND "},
		{[]string{virus, locked}, 2, "IMPOSSIBLE "},
		{[]string{virus, s.path("/missing"), locked}, 3, "FAILED "},
	} {
		out, status := s.avirctl(t, append([]string{"scan", "--hosts", s.path("/usr/lib/avirkit")}, c.files...)...)
		assert.Equal(t, c.status, status, out)
		assert.Contains(t, out, c.says)
		assert.Equal(t, len(c.files), strings.Count(out, "\n"), out)
	}
}

func TestATestLeavesTheRunningPluginsStatusFileAlone(t *testing.T) {
	s := newSetup(t, dist(t, toolchain.Zig), platform.Native(), clamdtest.Start(t, nil))
	s.write(t, "/status/avir.prom", "the running server's")
	require.NoError(t, os.Chmod(s.path("/status"), 0o777))
	s.args = []string{"--set", "StatusFile=" + s.path("/status/avir.prom")}
	folder := s.path(s.path("/status")) // as the check sees it, with the root before it
	require.NoError(t, os.MkdirAll(folder, 0o755))
	require.NoError(t, os.Chmod(folder, 0o777))
	status, findings := s.check(t)
	assert.Zero(t, status, "%+v", findings)
	require.NoError(t, os.Chmod(folder, 0o755))
	if os.Geteuid() == 0 {
		status, findings = s.check(t)
		assert.Equal(t, 1, status, "%+v", findings)
		assert.Contains(t, fmt.Sprint(findings), "can't be written by")
	}
	files, err := os.ReadDir(s.path("/status"))
	require.NoError(t, err)
	assert.Len(t, files, 1)
	text, err := os.ReadFile(s.path("/status/avir.prom"))
	require.NoError(t, err)
	assert.Equal(t, "the running server's", string(text))
}

func TestAFileThatTheProductsUserCantReadIsToldSo(t *testing.T) {
	asroot.Need(t, "only root scans as another user")
	s := newSetup(t, dist(t, toolchain.Zig), platform.Native(), clamdtest.Start(t, nil))
	s.write(t, "/secret/mail.eml", "a mail")
	require.NoError(t, os.Chmod(s.path("/secret"), 0o700))
	out, status := s.avirctl(t, "scan", s.path("/secret/mail.eml"))
	assert.NotZero(t, status)
	assert.Contains(t, out, "put it where that user can read it")
}

func TestMonitoringHasOneLineForWrongUse(t *testing.T) {
	s := newSetup(t, dist(t, toolchain.Zig), platform.Native(), clamdtest.Start(t, nil))
	for _, wrong := range [][]string{{"stray|argument"}, {"--no-such-flag"}, {"--set", "no equals sign"}, {"--user", "nobody-at-all"}, {"--json"}, {"--monitoring=perhaps"}} {
		out, status := s.avirctl(t, append([]string{"check", "--monitoring"}, wrong...)...)
		assert.Equal(t, 3, status, "%v", wrong)
		assert.Regexp(t, `^AVIRKIT UNKNOWN - [^|\n]+ \|\n$`, out, "%v", wrong)
	}
}

func TestAvirctlExplainsTheProductsLogs(t *testing.T) {
	s := newSetup(t, dist(t, toolchain.Zig), platform.Native(), clamdtest.Start(t, nil))
	s.write(t, "/opt/kerio/mailserver/store/logs/error.log", "[1/Jan] something else\n"+
		"[1/Jan] avir_clam: clamd at /run/x gets files by INSTREAM, as it was not given a descriptor: \x1b[2J\n")
	out, status := s.avirctl(t, "logs")
	assert.Zero(t, status)
	assert.Contains(t, out, "error.log: 1 lines")
	assert.Contains(t, out, "to do: AppArmor or SELinux")
	assert.NotContains(t, out, "\x1b")
	assert.NotContains(t, out, "something else")
}

func TestAvirctlFindsWhatIsBroken(t *testing.T) {
	clamd := clamdtest.Start(t, nil)
	p := platform.Native()
	for name, c := range brokenSetups {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // some wait for a plugin that waits for clamd
			if c.root {
				asroot.Need(t, "only root can make this set-up")
			}
			s := newSetup(t, dist(t, toolchain.Zig), p, clamd)
			c.spoil(t, s, dist(t, toolchain.Zig), p)
			status, findings := s.check(t)
			assert.Equal(t, max(c.status, map[string]int{"warning": 1, "failed": 2}[c.level]), status, "%+v", findings)
			for _, f := range findings {
				if f.Check == c.check && f.Level == c.level && strings.Contains(f.Text, c.text) {
					assert.Contains(t, f.Remedy, c.remedy)
					return
				}
			}
			assert.Fail(t, "nothing found", "%+v", findings)
		})
	}
}

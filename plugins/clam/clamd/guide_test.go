package clamd

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/clamdtest"
	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

// guideLines returns the code blocks of a language in the administrators'
// guide that hold a text.
func guideLines(t *testing.T, language, text string) (blocks []string) {
	t.Helper()
	guide, err := os.ReadFile("../../../docs/administrator.md")
	require.NoError(t, err)
	for _, part := range strings.Split(string(guide), "```"+language+"\n")[1:] {
		if block, _, _ := strings.Cut(part, "```"); strings.Contains(block, text) {
			blocks = append(blocks, block)
		}
	}
	require.NotEmpty(t, blocks, "the guide has no %s with %q", language, text)
	return blocks
}

// with replaces what is the reader's own in the guide's lines. Each of it must
// be there.
func with(t *testing.T, lines string, own ...string) string {
	t.Helper()
	for i := 0; i < len(own); i += 2 {
		require.Contains(t, lines, own[i])
		lines = strings.ReplaceAll(lines, own[i], own[i+1])
	}
	return lines
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// daemon runs a program until the test ends, or until stop is called, and
// returns when it listens at an address.
func daemon(t *testing.T, address, name string, args ...string) (stop func()) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + name)
	}
	if err != nil {
		needs(t, fmt.Errorf("%s is not installed: %w", name, err))
	}
	var output strings.Builder
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, cmd.Start())
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			_ = cmd.Wait()
		}
	}
	t.Cleanup(stop)
	for limit := time.Now().Add(slack); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			return stop
		}
		if time.Now().After(limit) {
			stop()
			t.Fatalf("%s does not listen at %s: %s", name, address, output.String())
		}
	}
}

func TestTheGuidesHAProxyBalancesAndSurvivesAMember(t *testing.T) {
	a, b := clamdtest.Start(t, nil), clamdtest.Start(t, nil)
	address := freeAddress(t)
	lines := with(t, guideLines(t, "haproxy", "listen clamd")[0],
		"192.0.2.1:3310", address, "192.0.2.10:3310", a.Addr, "192.0.2.11:3310", b.Addr, "inter 5s", "inter 200ms")
	conf := write(t, "haproxy.cfg", []byte("global\n    maxconn 200\n"+lines))
	daemon(t, address, "haproxy", "-db", "-f", conf)
	c := startQuick(t, address, &logLines{}, patient)
	bad, good := write(t, "bad", testvirus.EICAR()), write(t, "good", harmless)
	half := func() {
		onThreads(t, c, 8, 50, time.Millisecond, good, api.OK)
		onThreads(t, c, 8, 20, time.Millisecond, bad, api.VirusFound)
	}
	half()
	killed := make(chan error, 1)
	go func() { killed <- a.Kill() }()
	half()
	require.NoError(t, <-killed)
	half()
}

func TestTheGuidesTunnelCarriesFilesAndABreak(t *testing.T) {
	real := clamdtest.Start(t, nil)
	outside, inside := freeAddress(t), freeAddress(t)
	blocks := guideLines(t, "ini", "verifyPeer")
	require.Len(t, blocks, 2, "one for each end")
	key := guideLines(t, "sh", "openssl req")[0]
	var dirs [2]string
	for i := range dirs {
		dirs[i] = t.TempDir()
		cmd := exec.Command("sh", "-ec", key)
		cmd.Dir = dirs[i]
		if out, err := cmd.CombinedOutput(); err != nil {
			needs(t, fmt.Errorf("the guide's line for a key: %w: %s", err, out))
		}
	}
	confs := [2]string{
		with(t, blocks[0], "accept = 3311", "accept = "+outside, "/run/clamav/clamd.ctl", real.Socket),
		with(t, blocks[1], "127.0.0.1:3310", inside, "192.0.2.10:3311", outside),
	}
	start := func(i int) (stop func()) {
		cert, err := os.ReadFile(filepath.Join(dirs[1-i], "cert.pem"))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dirs[i], "peer.pem"), cert, 0o644))
		lines := with(t, confs[i], "/etc/stunnel", dirs[i])
		conf := write(t, "stunnel.conf", []byte("foreground = yes\npid =\n"+lines))
		return daemon(t, [2]string{outside, inside}[i], "stunnel4", conf)
	}
	stop := start(0)
	start(1)
	c := startQuick(t, inside, &logLines{}, patient)
	bad, good, big := write(t, "bad", testvirus.EICAR()), write(t, "good", harmless), write(t, "big", large())
	onThreads(t, c, 8, 20, 0, good, api.OK)
	assert.Equal(t, api.VirusFound, timedScan(t, c, bad, enough).Verdict)
	assert.Equal(t, api.VirusFound, timedScan(t, c, big, enough).Verdict)
	stop()
	pending := background(c, bad)
	start(0)
	assert.Equal(t, api.VirusFound, await(t, pending).Verdict, "the tunnel broke and came back")
	onThreads(t, c, 8, 20, 0, good, api.OK)
}

package main

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/harness/host"
)

// command builds the harness beside avserver and returns its path.
func (b *bench) command(t *testing.T) string {
	t.Helper()
	return once(t, "harness", filepath.Join(b.dir, "harness"), func(path string) error {
		cmd := exec.Command("go", "build", "-o", path, ".")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		out, err := cmd.CombinedOutput()
		t.Logf("%s", out)
		return err
	})
}

// output runs a command in dir and returns what it printed and its status.
func output(t *testing.T, dir, stdin, name string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, errors bytes.Buffer
	const patience = 3 * time.Minute
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = time.Second // a child of it may hold the pipes
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, strings.NewReader(stdin), &out, &errors
	_ = cmd.Run() // the status says it
	require.NoError(t, ctx.Err(), "%s did not end within %s: %s%s", cmd, patience, &out, &errors)
	return out.String(), errors.String(), cmd.ProcessState.ExitCode()
}

func TestMenuTakesANumberFromAPipe(t *testing.T) {
	b := newBench(t)
	harness := b.command(t)
	dir := t.TempDir()
	require.NoError(t, os.Rename(b.bad(t, "NONE"), filepath.Join(dir, "avir.so")))

	out, errors, status := output(t, dir, "0\n", harness)
	assert.Zero(t, status, errors)
	assert.Contains(t, out, "Available tests:\n0: avplugins_generate_test_data\n1: avplugins_scanning_test\n2: avplugins_waiting_test\n3: avplugins_server_test\n4: avplugins_hostile_test\n")
	assert.FileExists(t, filepath.Join(dir, "av_test_data", "eicarpwd.zip"))

	out, errors, status = output(t, dir, "1", harness)
	assert.Zero(t, status, errors)
	assert.Contains(t, out, "avplugins_scanning_test *Success*")
	assert.NotContains(t, out, "\r", "nothing for a terminal goes into a pipe")

	for _, input := range []string{"", "9\n", "-1\n", "x\n"} {
		_, errors, status = output(t, dir, input, harness)
		assert.Equal(t, misuse, status, input)
		assert.Len(t, strings.Split(strings.TrimSpace(errors), "\n"), 1, "one line: %s", errors)
	}
}

func TestMistakesGiveOneLineAndStatusTwo(t *testing.T) {
	b := newBench(t)
	harness := b.command(t)
	dir := t.TempDir()
	text := filepath.Join(dir, "text.so")
	require.NoError(t, os.WriteFile(text, []byte("no library"), 0o600))
	noSymbol := filepath.Join(dir, "empty.so")
	source := filepath.Join(dir, "empty.c")
	require.NoError(t, os.WriteFile(source, []byte("int nothing;\n"), 0o600))
	require.NoError(t, b.compile(t, noSymbol, "-shared", "-fPIC", source))

	fifo := filepath.Join(dir, "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o700))
	plugin := b.bad(t, "NONE")
	other := benchFor(t, host.Platforms[1])
	wide, widePlugin := filepath.Join(other.dir, "avserver"), other.bad(t, "NONE")
	foreign := filepath.Join(dir, "foreign.so")
	require.NoError(t, os.WriteFile(foreign, header(elf.EM_AARCH64), 0o700))
	cut := filepath.Join(dir, "cut.so")
	require.NoError(t, os.WriteFile(cut, header(elf.EM_386)[:40], 0o600))
	good := func(args ...string) []string {
		return append([]string{"run", "all", "--plugin", plugin, "--data", filepath.Join(dir, "data")}, args...)
	}

	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no test":                 {[]string{"run"}, "needs the name of a test"},
		"unknown test":            {[]string{"run", "5"}, `no test "5"`},
		"unknown command":         {[]string{"start"}, `unknown command "start"`},
		"unknown option":          {[]string{"run", "all", "--fast"}, `unknown option "--fast"`},
		"option without value":    {[]string{"run", "all", "--plugin"}, "--plugin needs a value"},
		"bad setting":             {[]string{"run", "all", "--set", "Port"}, "OPTION=VALUE"},
		"bad number":              {[]string{"run", "all", "--threads", "0"}, "from 1 to 256"},
		"bad time":                {[]string{"run", "all", "--wait", "150"}, "such as 90s"},
		"no plugin":               {[]string{"run", "all"}, "avir.so"},
		"a library cut off":       {[]string{"run", "all", "--plugin", cut}, "the plugin " + cut + " is no ELF library: it is cut off"},
		"another machine's host":  {good("--avserver", foreign), "the host program " + foreign + " can't be taken: it is for 64-bit AARCH64, and there are hosts for 32-bit"},
		"an empty floor":          {good("--kernel-floor", ""), "--kernel-floor needs a value"},
		"an empty file for JUnit": {good("--junit="), "--junit needs a value"},
		"no library":              {[]string{"run", "all", "--plugin", text}, "no ELF library"},
		"a program":               {[]string{"run", "all", "--plugin", "/proc/self/exe"}, "is no shared library (ET_EXEC)"},
		"another machine":         {[]string{"run", "all", "--plugin", foreign}, "it is for 64-bit AARCH64, and there are hosts for 32-bit x86 (i386) and 64-bit x86 (x86-64)"},
		"another width's host":    {good("--avserver", wide), "is for 64-bit x86 (x86-64), the plugin " + plugin + " for 32-bit x86 (i386)"},
		"no host of its width":    {[]string{"run", "all", "--plugin", widePlugin}, "(" + filepath.Join(b.dir, "avserver") + ": it is for 32-bit x86 (i386); " + filepath.Join(filepath.Dir(b.dir), "linux-amd64", "avserver") + ": there is none)"},
		"no symbol":               {[]string{"run", "all", "--plugin", noSymbol}, "does not export get_plugin_extended_iface"},
		"no host":                 {[]string{"run", "all", "--plugin", noSymbol, "--avserver", "/nonexisting"}, "/nonexisting"},
		"a FIFO as plugin":        {[]string{"run", "all", "--plugin", fifo}, fifo + " is not a regular file"},
		"a device as plugin":      {[]string{"run", "all", "--plugin", "/dev/zero"}, "/dev/zero is not a regular file"},
		"a folder as host":        {good("--avserver", dir), dir + " is not a regular file"},
		"a text as host":          {good("--avserver", text), text + " can't be executed"},
		"unknown kernel":          {good("--kernel-floor", "9.9"), "--kernel-floor 9.9: unknown kernel version: use 2.6.32"},
		"unknown check":           {good("--only", "fork", "--only", "nonsense"), `no check "nonsense"`},
		"long option name":        {good("--set", strings.Repeat("n", 32)+"=v"), "at most 31 bytes"},
		"long option value":       {good("--set", "n="+strings.Repeat("v", 128)), "its value 127"},
		"too many settings":       {good(strings.Fields(strings.Repeat("--set=n=v ", 65))...), "64 is the most"},
		"data below a file":       {[]string{"run", "generate", "--data", filepath.Join(text, "data")}, "--data"},
		"data not writable":       {[]string{"run", "all", "--plugin", plugin, "--data", "/proc/data"}, "--data"},
		"no folder for JUnit":     {good("--junit", filepath.Join(dir, "none", "r.xml")), "--junit " + filepath.Join(dir, "none", "r.xml")},
		"JSON into a file":        {good("--json", filepath.Join(text, "r.json")), "--json " + text},
		"JSON onto a folder":      {good("--json", dir), "is a folder"},
		"JSON to the table":       {good("--json", "-"), "--json -: standard output has the table"},
		"JUnit to the table":      {good("--junit", "-"), "--junit -: standard output has the table"},
		"a check elsewhere":       {[]string{"run", "scanning", "--plugin", plugin, "--only", "fork"}, "--only chooses among the hostile checks"},
		"a list of nothing":       {[]string{"--list"}, "--list is for run hostile"},
		"a list elsewhere":        {[]string{"run", "scanning", "--list"}, "--list is for run hostile"},
		"nothing to measure":      {[]string{"bench", "--plugin", plugin}, "bench needs --file"},
	} {
		t.Run(name, func(t *testing.T) {
			out, errors, status := output(t, dir, "", harness, c.args...)
			assert.Equal(t, misuse, status)
			assert.Empty(t, out)
			assert.Contains(t, errors, c.says)
			assert.Len(t, strings.Split(strings.TrimSpace(errors), "\n"), 1, errors)
			assert.NoDirExists(t, filepath.Join(dir, "data"), "nothing was made")
		})
	}
}

// header is all of an ELF file that tells of its machine.
func header(machine elf.Machine) []byte {
	var b bytes.Buffer
	_ = binary.Write(&b, binary.LittleEndian, elf.Header64{ // can't fail
		Ident: [elf.EI_NIDENT]byte{0x7F, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_DYN), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT), Ehsize: 64,
	})
	return b.Bytes()
}

func TestHarnessTakesTheHostThatFitsThePlugin(t *testing.T) {
	b := newBench(t)
	harness := b.command(t)
	// As in dist: each folder has the host of its own platform.
	dist := t.TempDir()
	for _, p := range host.Platforms {
		require.NoError(t, os.Mkdir(filepath.Join(dist, p.Name), 0o755))
		benchFor(t, p).avserver(t, filepath.Join(dist, p.Name, "avserver"))
		require.NoError(t, os.Link(harness, filepath.Join(dist, p.Name, "harness")))
	}
	for _, beside := range host.Platforms {
		for _, p := range host.Platforms {
			t.Run(p.Name+" from "+beside.Name, func(t *testing.T) {
				plugin := benchFor(t, p).bad(t, "NONE")
				out, errors, status := output(t, b.dir, "", filepath.Join(dist, beside.Name, "harness"), "run", "server", "--plugin", plugin, "--data", "data")
				require.Zero(t, status, "%s%s", out, errors)
				lines := strings.Split(out, "\n")
				assert.Equal(t, "plugin: "+plugin+", for "+p.Words, lines[0])
				assert.Equal(t, "host:   "+filepath.Join(dist, p.Name, "avserver"), lines[1])
			})
		}
	}
}

func TestRunsThatCannotWorkFail(t *testing.T) {
	b := newBench(t)
	harness := b.command(t)
	plugin := b.bad(t, "NONE")
	for name, args := range map[string][]string{
		"samples that are not there":  {"scanning", "--data", t.TempDir()},
		"option that no plugin knows": {"server", "--data", filepath.Join(b.dir, "data"), "--set", "Nonsense=1"},
	} {
		t.Run(name, func(t *testing.T) {
			out, errors, status := output(t, t.TempDir(), "", harness, append([]string{"run", args[0], "--plugin", plugin}, args[1:]...)...)
			assert.Equal(t, someFail, status, "%s%s", out, errors)
		})
	}
}

func TestMeasurementsAreJSON(t *testing.T) {
	b := newBench(t)
	harness := b.command(t)
	plugin, data := b.bad(t, "NONE"), filepath.Join(b.dir, "data")
	out, errors, status := output(t, b.dir, "", harness, "footprint", "--plugin", plugin, "--data", data, "--count", "1000", "--idle", "200ms", "--json", "-")
	require.Zero(t, status, errors)
	var footprint footprintReport
	require.NoError(t, json.Unmarshal([]byte(out), &footprint))
	require.Len(t, footprint.Rows, 6)
	assert.Positive(t, footprint.Rows[5].RssKiB)
	assert.Zero(t, footprint.Wakeups, "a plugin in C without threads sleeps")

	out, errors, status = output(t, b.dir, "", harness, "bench", "--plugin", plugin, "--file", filepath.Join(data, "eicar.com"), "--threads", "2", "--count", "1000", "--json", "-")
	require.Zero(t, status, errors)
	var row benchRow
	require.NoError(t, json.Unmarshal([]byte(out), &row))
	assert.Equal(t, 1000, row.Scans)
	assert.Positive(t, row.P50)
	assert.Positive(t, row.Mean)
	assert.Equal(t, map[string]int{"VIRUS_FOUND": 1000}, row.Verdicts)

	out, errors, status = output(t, b.dir, "", harness, "bench", "--plugin", plugin, "--file", "nonexisting", "--count", "1000")
	require.Zero(t, status, errors)
	assert.Contains(t, out, "; 1000 FAILED\n", "nobody takes this for the time of a scan")

	out, errors, status = output(t, b.dir, "", harness, "bench", "--plugin", plugin, "--file", "nonexisting", "--threads", "2", "--count", "40", "--pause", "20ms", "--json", "-")
	require.Zero(t, status, errors)
	require.NoError(t, json.Unmarshal([]byte(out), &row))
	assert.Equal(t, 40, row.Scans)
	assert.Less(t, row.PerSecond, 100.1, "two threads with 20 ms after each scan")
	assert.Less(t, row.P50, int(10*time.Millisecond), "the pause is no part of a scan's time")
}

func TestWakeUpsOfAPluginAreCounted(t *testing.T) {
	b := newBench(t)
	h, err := b.run(b.bad(t, "NONE"), time.Minute).Ready(context.Background())
	require.NoError(t, err)
	defer h.Close()
	before, err := h.Switches()
	require.NoError(t, err)
	// The main thread sleeps for some milliseconds before it cancels three of
	// four threads, and it waits for the end of each.
	const threads = 40
	_, err = h.Call(time.Minute, "cancelling threads", "cancel", strconv.Itoa(threads), filepath.Join(b.dir, "data", "clean.exe"))
	require.NoError(t, err)
	after, err := h.Switches()
	require.NoError(t, err)
	assert.GreaterOrEqual(t, after-before, threads*3/4)
	assert.LessOrEqual(t, after-before, threads*5)
}

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAvserverPrintsOneVerdictALine(t *testing.T) {
	b := newBench(t)
	plugin, avserver := b.bad(t, "NONE"), filepath.Join(b.dir, "avserver")
	args := []string{"--plugin", plugin, "--set", "option 1=7", "--threads", "3", "data/clean.exe", "data/eicar.com", "a\tb\\", "data/eicarpwd.zip"}
	for name, extra := range map[string][]string{"as it is": nil, "on an old kernel": {"--kernel-floor", "2.6.32"}} {
		t.Run(name, func(t *testing.T) {
			out, errors, status := output(t, b.dir, "", avserver, append(extra, args...)...)
			assert.Zero(t, status, errors)
			lines := strings.Split(strings.TrimSpace(out), "\n")
			assert.Equal(t, "info\tname\tavir_sins", lines[0])
			assert.Contains(t, lines, "option\tOption 1\t7")
			assert.Equal(t, []string{
				"verdict\tOK\tdata/clean.exe\t",
				"verdict\tVIRUS_FOUND\tdata/eicar.com\tEicar-Test-Signature",
				`verdict` + "\tFAILED\t" + `a\x09b\x5C` + "\t",
				"verdict\tIMPOSSIBLE\tdata/eicarpwd.zip\t",
				"close\tok",
			}, lines[len(lines)-5:])
		})
	}
}

func TestAvserverTellsWithItsStatusWhatWentWrong(t *testing.T) {
	b := newBench(t)
	avserver := filepath.Join(b.dir, "avserver")
	for name, c := range map[string]struct {
		sin    string
		args   []string
		status int
		says   string
	}{
		"no file to load":         {"", []string{"--plugin", "none.so", "x"}, 1, "none.so"},
		"a bad version":           {"WRONG_VERSION", []string{"x"}, 1, "version"},
		"an unknown result":       {"RETURN_7", []string{"data/eicar.com"}, 1, "unknown result"},
		"text outside vir_info":   {"PAST_VIR_INFO", []string{"data/eicar.com"}, 1, "beyond vir_info"},
		"ERROR for a file":        {"RETURN_ERROR", []string{"none"}, 3, ""},
		"unknown option":          {"NONE", []string{"--nonsense", "x"}, 2, "--nonsense"},
		"unknown kernel":          {"NONE", []string{"--kernel-floor", "9", "x"}, 2, "2.6.32"},
		"no threads":              {"NONE", []string{"--threads", "0", "x"}, 2, "1 to 256"},
		"setting without value":   {"NONE", []string{"--set", "x", "x"}, 2, "NAME=VALUE"},
		"settings without option": {"NONE", []string{"--set", "Foo=1", "--set", "OPTION 1=2", "--set", "Bar=", "x"}, 2, `took 1 of 3 options; it has no "Foo", "Bar"`},
		"option with other case":  {"CASE_SENSITIVE", []string{"--set", "option 1=1", "x"}, 1, "took 0 of 1 options, and has them all"},
		"serve without pipes":     {"NONE", []string{"--serve"}, 2, "descriptors 3 and 4"},
		"nothing to scan":         {"NONE", nil, 2, "no file to scan"},
		"options without a scan":  {"NONE", []string{"--info"}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			args := c.args
			if c.sin != "" {
				args = append([]string{"--plugin", b.bad(t, c.sin)}, args...)
			}
			_, errors, status := output(t, b.dir, "", avserver, args...)
			assert.Equal(t, c.status, status, errors)
			assert.Contains(t, errors, c.says)
		})
	}
}

func TestAvserverTakesANameWithoutASlashForAFile(t *testing.T) {
	b := newBench(t)
	require.NoError(t, os.Rename(b.bad(t, "NONE"), filepath.Join(b.dir, "avir.so")))
	out, errors, status := output(t, b.dir, "", filepath.Join(b.dir, "avserver"), "--plugin", "avir.so", "--info")
	assert.Zero(t, status, errors)
	assert.Contains(t, out, "avir_sins")

	// The system's library of this name must not be found instead.
	_, errors, status = output(t, b.dir, "", filepath.Join(b.dir, "avserver"), "--plugin", "libc.so.6", "--info")
	assert.Equal(t, 1, status)
	assert.Contains(t, errors, "./libc.so.6")
}

func TestAvserverLeavesNoCoreFileOfAHost(t *testing.T) {
	b := newBench(t)
	h, err := b.run("", limit).Open(context.Background())
	require.NoError(t, err)
	defer h.Close()
	state, err := h.Call(time.Minute, "looking at the process", "state")
	require.NoError(t, err)
	assert.Regexp(t, "^0 ", state.Get("limit.core"), "the soft limit")
}

func TestAvserverFindsLibrariesByTheirPathAsAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("SKIPPED, nothing was tested: only root can change its user")
	}
	b := newBench(t)
	source := func(name, text string) string {
		path := filepath.Join(b.dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	library := source("library.c", "int from_a_library(void);\nint from_a_library(void) { return 2; }\n")
	require.NoError(t, b.compile(t, filepath.Join(b.dir, "libengine.so"), "-shared", "-fPIC", library))
	wrapper := source("wrapper.c", "int from_a_library(void);\nint __wrap_scan_path(const char *path);\n"+
		"int __wrap_scan_path(const char *path) { return path ? from_a_library() : 0; }\n")
	plugin := b.bad(t, "NONE", wrapper, "-Wl,--wrap=scan_path", "-L"+b.dir, "-lengine")

	t.Setenv("LD_LIBRARY_PATH", b.dir)
	for name, args := range map[string][]string{
		"limits":             {"--limit", "as=2000", "--limit", "nproc=32"},
		"limits and a floor": {"--limit", "nproc=32", "--kernel-floor", "2.6.32"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append(args, "--real-user", "3999999", "--plugin", plugin, "data/clean.exe")
			out, errors, status := output(t, b.dir, "", filepath.Join(b.dir, "avserver"), args...)
			assert.Zero(t, status, errors)
			assert.Contains(t, out, "verdict\tVIRUS_FOUND\t")
		})
	}
}

func TestAvserverBoundsTheOptionsOfAPlugin(t *testing.T) {
	b := newBench(t)
	const honest = `{"Option 2", "a string"}`
	source, err := os.ReadFile("../testdata/badplugins/c/plugin.c")
	require.NoError(t, err)
	require.Contains(t, string(source), honest)
	full := fmt.Sprintf(`{{%s}, {%s}}`, strings.Repeat("'n',", 32), strings.Repeat("'v',", 128))
	file, plugin := filepath.Join(b.dir, "plugin.c"), filepath.Join(b.dir, "avir_full.so")
	changed := strings.Replace(string(source), honest, strings.Repeat(full+", ", 70)+full, 1)
	require.NoError(t, os.WriteFile(file, []byte(changed), 0o600))
	const folder = "../testdata/badplugins/c"
	require.NoError(t, b.compile(t, plugin, file, folder+"/scanner.c", folder+"/lifecyclesins.c", folder+"/scansins.c",
		"-fPIC", "-shared", "-I../api/abi", "-I"+folder, "-DSIN=NONE"))

	out, errors, status := output(t, b.dir, "", filepath.Join(b.dir, "avserver"), "--plugin", plugin, "--info")
	assert.Zero(t, status, errors)
	cut := "option\t" + strings.Repeat("n", 31) + "\t" + strings.Repeat("v", 127) + "\n"
	assert.Equal(t, 63, strings.Count(out, cut), "64 options with the honest one, none longer than its field")
	assert.Equal(t, 64, strings.Count(out, "option\t"))
}

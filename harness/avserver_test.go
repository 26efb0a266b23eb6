package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
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
		"no file to load":        {"", []string{"--plugin", "none.so", "x"}, 1, "none.so"},
		"a bad version":          {"WRONG_VERSION", []string{"x"}, 1, "version"},
		"an unknown result":      {"RETURN_7", []string{"data/eicar.com"}, 1, "unknown result"},
		"text outside vir_info":  {"PAST_VIR_INFO", []string{"data/eicar.com"}, 1, "beyond vir_info"},
		"ERROR for a file":       {"RETURN_ERROR", []string{"none"}, 3, ""},
		"unknown option":         {"NONE", []string{"--nonsense", "x"}, 2, "--nonsense"},
		"unknown kernel":         {"NONE", []string{"--kernel-floor", "9", "x"}, 2, "2.6.32"},
		"no threads":             {"NONE", []string{"--threads", "0", "x"}, 2, "1 to 256"},
		"setting without value":  {"NONE", []string{"--set", "x", "x"}, 2, "NAME=VALUE"},
		"serve without pipes":    {"NONE", []string{"--serve"}, 2, "descriptors 3 and 4"},
		"nothing to scan":        {"NONE", nil, 2, "no file to scan"},
		"options without a scan": {"NONE", []string{"--info"}, 0, ""},
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

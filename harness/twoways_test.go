package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/harness/hostile"
)

// way is what one way of writing a plugin makes of what its author does, as a
// host sees it.
type way struct {
	longest int    // bytes of the longest log line
	missing string // what is said of a file that is missing
	folder  string // and of one that is a folder
	crash   string // how a scan with a bad pointer ends
}

func (b *bench) way(t *testing.T, plugin, longLines, crash string) (w way) {
	t.Helper()
	scan := func(setting, file string) (answer, log string) {
		args := []string{"--plugin", plugin}
		if setting != "" {
			args = append(args, "--set", setting)
		}
		command := exec.Command(filepath.Join(b.dir, "avserver"), append(args, filepath.Join(b.dir, "data", file))...)
		var stdout, stderr strings.Builder
		command.Stdout, command.Stderr = &stdout, &stderr
		_ = command.Run()
		if status := command.ProcessState; !status.Exited() {
			return status.String(), stderr.String()
		}
		_, answer, found := strings.Cut(stdout.String(), "verdict\t")
		require.True(t, found, stdout.String()+stderr.String())
		return strings.SplitN(answer, "\n", 2)[0], stderr.String()
	}
	said := func(answer string) string { return answer[strings.LastIndex(answer, "\t")+1:] }
	_, log := scan(longLines, "eicar.com")
	// The host shows the prefix by another word.
	prefix := map[string]string{"warning": "WRN: ", "error": "ERR: ", "debug": ""}
	for _, line := range strings.Split(log, "\n") {
		level, text, _ := strings.Cut(line, ": ")
		w.longest = max(w.longest, len(prefix[level]+text))
	}
	answer, _ := scan("", "nonexisting.file")
	w.missing = said(answer)
	answer, _ = scan("", ".")
	w.folder = said(answer)
	w.crash, _ = scan(crash, "eicar.com")
	return w
}

// heldBy are the checks that hold each row of the guide's table: those of the
// hostile test, all of which the tests run on plugins of both ways, and the
// sins of a plugin in Go that the SDK absorbs. The rows without any are in the
// test below.
var heldBy = map[string][]string{
	"options":                               {"options"},
	"a list of options without an end":      {"endless-options"},
	"texts for the host":                    {"vir-info", "verdicts", "error-message"},
	"a log line":                            {"log-format"},
	"log lines during exit and after close": {"exit"},
	"a context that is stale, NULL or scanning already": {"nulls", "order", "contexts"},
	"a file that is missing or no regular file":         {"special-files"},
	"a forked child of the host":                        {"fork"},
	"pthread_cancel":                                    {"cancel"},
	"close during a scan":                               {"close-while-scanning"},
	"a scan that hangs":                                 {"hang", "spin"},
	"a panic or a bad pointer in a scan":                {"panic in Scan", "bad address"},
}

func TestTheVendorsGuideSaysWhatEachWayDoes(t *testing.T) {
	guide, err := os.ReadFile("../docs/vendor.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(guide), "| | Go SDK | simple API in C | avApi.h alone |\n| --- | --- | --- | --- |\n")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n\n")
	rows := map[string][]string{}
	for _, line := range strings.Split(table, "\n") {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		rows[cells[0]] = cells[1:]
	}
	var known []string
	for _, check := range hostile.All() {
		known = append(known, check.Name)
	}
	for _, s := range readSins(t, "What the SDK absorbs") {
		known = append(known, s.name)
	}
	for row := range rows {
		require.NotEmpty(t, heldBy[row], "%s: name the checks that hold it", row)
		for _, check := range heldBy[row] {
			assert.True(t, slices.Contains(known, check), "%s: there is no check %s", row, check)
		}
	}
	require.Len(t, rows, len(heldBy))

	size := func(column int) int {
		n, err := strconv.Atoi(regexp.MustCompile(`^\d+`).FindString(rows["a log line"][column]))
		require.NoError(t, err)
		return n
	}
	b := newBench(t)
	inGo := b.way(t, b.goSins(t), "Sin=hostile text", "Sin=bad address")
	inC := b.way(t, b.simple(t, "../testdata/simpleapi", "avir_sloppy"), "", "Path=crash")
	assert.Equal(t, size(0), inGo.longest)
	assert.Equal(t, size(1), inC.longest)
	assert.Contains(t, inGo.missing, "open ", "the author's own words")
	assert.Contains(t, inGo.folder, "is a directory", "the author's own words")
	assert.Equal(t, "no such file", inC.missing)
	assert.Equal(t, "not a regular file", inC.folder)
	assert.True(t, strings.HasPrefix(inGo.crash, "FAILED"), inGo.crash)
	assert.Equal(t, "signal: segmentation fault", inC.crash)
}

package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/harness/host"
)

func example() *Report {
	r := &Report{Plugin: "/plugins/avir_x.so", Started: time.Unix(0, 0)}
	r.Add(
		Case{Test: "scanning", Name: "eicar.com", Status: Passed, Did: "scanned", Expected: "VIRUS_FOUND", Saw: "VIRUS_FOUND", Time: 2 * time.Millisecond},
		Case{Test: "hostile", Name: "fork", Status: Failed, Did: "forked", Saw: "hung \x1b[2J \u009b2J \u202e <&> \xff", Advice: "detect the fork",
			Time: 1500 * time.Millisecond, Log: []host.Line{{Level: "error", Text: "\x07bell"}}},
		Case{Test: "hostile", Name: "process-limit", Status: NotApplicable, Saw: "no user namespace"},
	)
	return r
}

func TestReportIsGoodOnlyWhenAllRanAndPassed(t *testing.T) {
	assert.False(t, (&Report{}).OK(), "a run of nothing must not pass")
	assert.False(t, (&Report{Cases: []Case{{Status: NotApplicable}}}).OK())
	assert.False(t, (&Report{Cases: []Case{{Status: Passed}, {Status: NotApplicable}}}).OK(), "what did not run has not passed")
	assert.True(t, (&Report{Cases: []Case{{Status: Passed}, {Status: Passed}}}).OK())
	assert.False(t, example().OK())
}

func TestTableShowsFailuresAtLengthAndNothingThatATerminalObeys(t *testing.T) {
	var out bytes.Buffer
	example().Table(&out)
	text := out.String()
	assert.Contains(t, text, "*Success*")
	assert.Contains(t, text, "**Failed**: hostile/fork")
	assert.Contains(t, text, "change    detect the fork")
	assert.Contains(t, text, "1 passed, 1 failed, 1 not applicable; did not run: hostile/process-limit (no user namespace)\n")
	assert.NotContains(t, text, "\x1b")
	assert.NotContains(t, text, "\x07")
	assert.NotContains(t, text, "\u009b", "it begins a command as ESC [ does")
	assert.NotContains(t, text, "\u202e")
}

func TestJSONAndJUnitHoldTheSameFacts(t *testing.T) {
	dir := t.TempDir()
	r := example()
	require.NoError(t, r.WriteJSON(filepath.Join(dir, "r.json")))
	require.NoError(t, r.WriteJUnit(filepath.Join(dir, "r.xml")))

	data, err := os.ReadFile(filepath.Join(dir, "r.json"))
	require.NoError(t, err)
	var j struct {
		OK     bool
		Failed int
		Cases  []struct{ Test, Name, Status, Saw string }
	}
	require.NoError(t, json.Unmarshal(data, &j))
	assert.False(t, j.OK)
	assert.Equal(t, 1, j.Failed)
	require.Len(t, j.Cases, 3)
	assert.Equal(t, "process-limit", j.Cases[2].Name)

	data, err = os.ReadFile(filepath.Join(dir, "r.xml"))
	require.NoError(t, err)
	var x struct {
		Suites []junitSuite `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal(data, &x), "no byte of a log may break the XML")
	require.Len(t, x.Suites, 2)
	assert.Equal(t, 2, x.Suites[1].Tests)
	assert.Equal(t, 1, x.Suites[1].Failures)
	assert.Equal(t, 1, x.Suites[1].Skipped)
	assert.Equal(t, "avir_x.so.hostile", x.Suites[1].Cases[0].Class)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 2, "no temporary file is left")
}

func TestReportThatCannotBeWrittenNamesItsFile(t *testing.T) {
	assert.ErrorContains(t, example().WriteJSON("/nonexisting/r.json"), "/nonexisting/r.json")
}

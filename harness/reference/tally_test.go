package reference

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/report"
	"github.com/avirkit/avirkit/harness/samples"
)

func TestAWrongVerdictHasTheLogLinesOfItsSample(t *testing.T) {
	tally := newTally("scanning")
	for _, s := range samples.All() {
		tally.add(s, host.Answer{Verdict: host.OK}, nil)
	}
	about := host.Line{Level: "error", Text: "data/eicar.com: connection refused"}
	last := host.Line{Level: "error", Text: "data/nonexisting.file: no such file"}
	tally.log = []host.Line{about, last}
	logs := map[string][]host.Line{}
	for _, c := range tally.cases() {
		logs[c.Name] = c.Log
		assert.Equal(t, c.Status == report.Failed, c.Log != nil, "%s %s", c.Name, c.Status)
	}
	require.Len(t, logs, len(samples.All()))
	assert.Equal(t, []host.Line{about}, logs[samples.Eicar])
	assert.Equal(t, []host.Line{about, last}, logs["eicar.zip"], "no line names it")
}

package guide

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "copy the table of messages from docs/administrator.md")

func TestTheTableIsTheGuides(t *testing.T) {
	text, err := os.ReadFile("../../../docs/administrator.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(text), "\n| message | what to do |\n")
	require.True(t, found, "the guide has a table of messages")
	table, _, _ = strings.Cut(table, "\n\n")
	table = "| message | what to do |\n" + table + "\n"
	if *update {
		require.NoError(t, os.WriteFile("messages.txt", []byte(table), 0o644))
		return
	}
	assert.Equal(t, table, messages, "run go test ./avirctl/guide -update in harness/")
}

func TestEveryRowOfTheTableExplainsItsMessage(t *testing.T) {
	rows := strings.Count(messages, "\n") - 2
	require.Len(t, Messages(), rows)
	for _, m := range Messages() {
		require.NotEmpty(t, m.Texts)
		for _, text := range m.Texts {
			said := "WRN: 192.0.2.1: " + strings.ReplaceAll(text, "…", "15,000,000") + "; more"
			assert.NotEmpty(t, Explain(said), said)
		}
		assert.NotRegexp(t, "[`\\[\\]]", m.Remedy)
	}
	assert.Empty(t, Explain("nothing of this is in the table"))
}

package clamd

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
)

func TestAMessageKeepsTheFilesNameAndTheAdviceWithinWhatTheHostTakes(t *testing.T) {
	socket := "/run/" + strings.Repeat("directory/", 9) + "clamd.ctl"
	c := New(config(t, socket, &logLines{}))
	defer c.Close()
	file := api.File{RealName: "ünïcode " + strings.Repeat("ä", 100) + " invoice.pdf"}
	_, err := c.dial(context.Background(), c.servers[0].addr, time.Now().Add(enough))
	require.Error(t, err)
	assert.NotContains(t, err.Error(), socket)
	for _, result := range []api.Result{
		failure(file, c.giveUp(errDeadline, at(c.servers[0], err))),
		c.result(reply{kind: failed, text: strings.Repeat("x y ", 1000)}, c.servers[0], file),
		c.result(reply{kind: overLimit, text: strings.Repeat("x y ", 1000)}, c.servers[0], file),
	} {
		assert.LessOrEqual(t, len(result.Text), 255)
		assert.True(t, strings.HasSuffix(result.Text, "invoice.pdf"), result.Text)
		assert.Contains(t, result.Text, ": ünïcode")
		assert.LessOrEqual(t, strings.Count(result.Text, socket), 1)
	}
	text := failure(file, c.giveUp(errDeadline, at(c.servers[0], err))).Text
	assert.Contains(t, text, "no such file or directory: does clamd run, and are Address and Port right?: ünïcode")
}

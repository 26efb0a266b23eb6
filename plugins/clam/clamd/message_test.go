package clamd

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/wire"
)

func TestAMessageKeepsTheFilesNameAndTheAdviceWithinWhatTheHostTakes(t *testing.T) {
	socket := "/run/" + strings.Repeat("directory/", 9) + "clamd.ctl"
	c := New(config(t, socket, &logLines{}))
	defer c.Close()
	file := api.File{RealName: "ünïcode " + strings.Repeat("ä", 100) + " invoice.pdf"}
	server := c.servers[0]
	wait := wire.Wait{Ctx: context.Background(), Deadline: time.Now().Add(enough), Silence: time.Second, Ping: time.Second}
	_, err := server.open(&wait, c.ctx)
	require.Error(t, err)
	assert.NotContains(t, err.Error(), socket)
	for _, result := range []api.Result{
		failure(file, (&job{Client: c, last: server.at(err)}).giveUp(wire.ErrDeadline)),
		c.result(wire.Reply{Kind: wire.Refused, Text: strings.Repeat("x y ", 1000)}, server, file),
		c.result(wire.Reply{Kind: wire.OverLimit, Text: strings.Repeat("x y ", 1000)}, server, file),
	} {
		assert.LessOrEqual(t, len(result.Text), 255)
		assert.True(t, strings.HasSuffix(result.Text, "invoice.pdf"), result.Text)
		assert.Contains(t, result.Text, ": ünïcode")
		assert.LessOrEqual(t, strings.Count(result.Text, socket), 1)
	}
	text := failure(file, (&job{Client: c, last: server.at(err)}).giveUp(wire.ErrDeadline)).Text
	assert.Contains(t, text, "no such file or directory: does clamd run, and are Address and Port right?: ünïcode")
}

package bench

import (
	"context"
	"strconv"

	"github.com/avirkit/avirkit/internal/build/platform"
)

// client is one way to let clamd scan over one transport.
type client struct {
	name string
	run  func(ctx context.Context, l load) (sample, error)
}

// The transports: over TCP a file's contents are sent, over a unix socket the
// open file is passed.
const (
	tcp  = "TCP"
	unix = "unix"
)

// Names of clients that the tables look for.
const (
	baselineName  = "baseline (C)"
	baruwaName    = "baruwa-enterprise/clamd"
	clamdscanName = "clamdscan"
)

func pluginName(p *platform.Platform) string { return "avir_clam " + p.Name }

// clients lists who is measured in a row, the baseline first. Paced rows have
// the plugins alone: an administrator's mail comes at a pace.
func (b *bench) clients(r row) []client {
	address, plugin := strconv.Itoa(b.clamd.Port), "Port="+strconv.Itoa(b.clamd.Port)
	other, tool := baruwa("tcp", b.clamd.Addr), b.clamdscan("--stream", "TCPSocket "+address+"\nTCPAddr 127.0.0.1\n")
	if r.transport == unix {
		address, plugin = b.clamd.Socket, "Address="+b.clamd.Socket
		other, tool = baruwa("unix", address), b.clamdscan("--fdpass", "LocalSocket "+address+"\n")
	}
	list := []client{{baselineName, b.baselineAt(address)}}
	for _, p := range b.platforms {
		list = append(list, client{pluginName(p), b.plugin(p, plugin)})
	}
	if r.pause > 0 {
		return list
	}
	return append(list, client{baruwaName, other}, client{clamdscanName, tool})
}

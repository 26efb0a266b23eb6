package bench

import (
	"context"
	"strconv"
	"time"
)

// load is one task for a peer: scan a file count times on some threads.
type load struct {
	path    string
	threads int
	count   int
	dir     string // for files of the peer's own
}

// sample is what one peer needed for a load.
type sample struct {
	total    time.Duration
	p50, p99 time.Duration // of one scan; 0 if the peer doesn't tell
	cpu      time.Duration // of the client's process, for all scans
	alloc    float64       // bytes for one scan, negative if unknown
}

// peer is one client over one transport.
type peer struct {
	name, transport string
	run             func(ctx context.Context, l load) (sample, error)
}

// limitName is the C program, which the others are compared with.
const limitName = "limit (C)"

// allPeers lists the clients; the first of each transport is the limit.
func (b *bench) allPeers() []peer {
	port, socket := strconv.Itoa(b.clamd.Port), b.clamd.Socket
	return []peer{
		{limitName, "TCP", b.limitAt(port)},
		{"avir_clam", "TCP", b.plugin("Port=" + port)},
		{"package clamd", "TCP", ourPackage(b.clamd.Addr)},
		{"baruwa InStream", "TCP", baruwa("tcp", b.clamd.Addr)},
		{"dutchcoders", "TCP", dutchcoders("tcp://" + b.clamd.Addr)},
		{"clamdscan --stream", "TCP", clamdscan("--stream", "TCPSocket "+port+"\nTCPAddr 127.0.0.1\n")},

		{limitName, "unix", b.limitAt(socket)},
		{"avir_clam", "unix", b.plugin("Address=" + socket)},
		{"package clamd", "unix", ourPackage(socket)},
		{"baruwa Fildes", "unix", baruwa("unix", socket)},
		{"clamdscan --fdpass", "unix", clamdscan("--fdpass", "LocalSocket "+socket+"\n")},
	}
}

package clamd

import (
	"context"
	"fmt"
	"time"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/wire"
)

// Scanner scans for one thread of the host. It owns one buffer.
type Scanner struct {
	c   *Client
	buf *wire.Buffer
}

// NewScanner makes the state for one thread.
func (c *Client) NewScanner() *Scanner { return &Scanner{c, new(wire.Buffer)} }

// Scan scans one file, within ScanTimeout and ctx's deadline.
func (s *Scanner) Scan(ctx context.Context, file api.File) api.Result {
	s.c.scanBegins()
	defer s.c.scanEnds()
	began := time.Now()
	j := job{Client: s.c, buf: s.buf, ctx: ctx, began: began, wait: wire.Wait{
		Ctx: ctx, Deadline: began.Add(s.c.ScanTimeout), Silence: s.c.times.silence, Ping: s.c.times.ping,
	}}
	if d, ok := ctx.Deadline(); ok && d.Before(j.wait.Deadline) {
		j.wait.Deadline = d
	}
	var err error
	if j.fd, j.state, err = openFile(file.Path); err != nil {
		return failure(file, err)
	}
	defer closeFile(j.fd)
	switch {
	case j.state.size == 0:
		// There is nothing to ask about, if it really is empty: a file of
		// /proc says 0 and has contents.
		var one [1]byte
		if n, err := wire.ReadAt(j.fd, one[:], 0); err != nil {
			return failure(file, err)
		} else if n > 0 {
			return failure(file, wire.ErrChanged)
		}
		return api.Result{Verdict: api.OK}
	case j.state.size > s.c.MaxFileSize:
		reason := fmt.Sprintf("larger than option MaxFileSize: %d bytes", s.c.MaxFileSize)
		return policy(s.c.OnLimit, unscannedName, reason, file)
	}
	s.c.counts.bytes.Add(j.state.size)
	r, srv, err := j.run()
	if err != nil {
		return failure(file, err)
	}
	return s.c.result(r, srv, file)
}

package clamd

import (
	"errors"
	"fmt"
	"time"
)

// errUnfit says that a server answers and can't be trusted.
var errUnfit = errors.New("clamd doesn't find a test virus in a zip file")

// probe sends EICAR inside a zip over the scan path. A clamd whose engine is
// dead, whose archive support is off, or whose TemporaryDirectory is missing
// answers PING, and OK for every archive.
func (c *Client) probe(stop stopper, s *server, x *session, deadline time.Time) error {
	r, err := c.ask(stop, s, x, deadline, plainZip, 0)
	switch {
	case err != nil:
		return err
	case r.kind == found:
		return nil
	case r.kind == clean:
		return fmt.Errorf("%w: check ScanArchive, TemporaryDirectory and the database in its clamd.conf", errUnfit)
	}
	return fmt.Errorf("%w: it said %q: check its log", errUnfit, r.text)
}

// ask scans a test file over the scan path of a server. A file with
// directoryAt has about that many bytes.
func (c *Client) ask(stop stopper, s *server, conn *session, deadline time.Time, kind zipKind, directoryAt int64) (reply, error) {
	fd, size, err := writeSample(makeZip(kind, eicar(), directoryAt), directoryAt)
	if err != nil {
		return reply{}, fmt.Errorf("%w: %w", errNoSample, err)
	}
	defer closeFile(fd)
	x := exchange{stopper: stop, session: conn, deadline: deadline, times: &c.times}
	return x.scan(s.fildes.Load(), fd, size, make([]byte, bufferSize))
}

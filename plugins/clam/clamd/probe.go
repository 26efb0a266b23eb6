package clamd

import (
	"errors"
	"fmt"
	"time"
)

// errUnfit says that a server answers and can't be trusted.
var errUnfit = errors.New("clamd doesn't find a test virus in a zip file")

// probe sends EICAR inside a zip over the scan path, as long as a server must
// be able to scan in any case. A clamd whose engine is
// dead, whose archive support is off, or whose TemporaryDirectory is missing
// answers PING, and OK for every archive.
func (c *Client) probe(stop stopper, s *server, x *session, deadline time.Time) error {
	r, err := c.ask(stop, s, x, deadline, plainZip, smallestLimit)
	switch {
	case err != nil:
		return err
	case r.kind == found:
		return nil
	case r.kind == clean:
		return fmt.Errorf("%w: check ScanArchive, TemporaryDirectory, MaxFileSize and the database in its clamd.conf", errUnfit)
	}
	return fmt.Errorf("%w: it said %q: check its log", errUnfit, shorten(r.text, maxQuote))
}

// ask scans a test file over the scan path of a server. The file has size
// bytes, or as few as it takes if that is 0.
func (c *Client) ask(stop stopper, s *server, conn *session, deadline time.Time, kind zipKind, size int64) (reply, error) {
	z := makeZip(kind, eicar(), size)
	fd, err := writeSample(z)
	if err != nil {
		return reply{}, fmt.Errorf("%w: %w", errNoSample, err)
	}
	defer closeFile(fd)
	x := exchange{stopper: stop, session: conn, deadline: deadline, times: &c.times}
	return x.scan(s.fildes.Load(), fd, z.size, make([]byte, bufferSize))
}

package clamd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/avirkit/avirkit/plugins/clam/testvirus"
	"github.com/avirkit/avirkit/plugins/clam/wire"
)

const (
	// leastUnpacked is what the test archive unpacks to before the virus, as
	// long as only files of a kilobyte were scanned, and mostUnpacked where
	// larger ones were. More would cost clamd more than it tells.
	leastUnpacked = 3 << 19
	mostUnpacked  = 8 << 20
)

var (
	// errUnfit says that a server answers and can't be trusted.
	errUnfit = errors.New("the self-test failed")

	// errRefused says that a server answers and scans nothing now.
	errRefused = errors.New("the self-test was refused")
)

// test is the self-test of a server: whether it finds a virus behind much
// that has to be unpacked, in a file as large as those that it has had. A
// thorough one also chooses how files get there, and asks which settings let
// a file pass unscanned.
func (s *server) test(ctx context.Context) error {
	s.mu.Lock()
	thorough, wanted := s.thorough, s.size.wanted
	s.mu.Unlock()
	t := &selfTest{server: s, ctx: ctx, buf: new(wire.Buffer), unpacked: toUnpack(wanted), wait: wire.Wait{
		Ctx: ctx, Deadline: time.Now().Add(s.ScanTimeout), Silence: s.times.silence, Ping: s.times.ping,
	}}
	defer t.hangUp()
	err := t.open()
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.pid = peerOf(t.session.Fd())
	s.mu.Unlock()
	if t.roomFor, err = s.checkMachine(t.session.Fd(), wanted); err != nil {
		return err
	}
	if thorough {
		s.mu.Lock()
		s.size = sizes{wanted: wanted, chokes: s.size.chokes}
		s.mu.Unlock()
		if err := t.chooseMode(); err != nil {
			return err
		}
		t.askForSettings()
		s.checkVersion(ctx)
	} else if err := t.findVirus(); err != nil {
		return err
	}
	return t.trySize(wanted)
}

// toUnpack is how much the test archive unpacks to for files of a size.
func toUnpack(size int64) int64 {
	if size <= small {
		return leastUnpacked
	}
	return mostUnpacked
}

// selfTest is one test under way. It has a session of its own.
type selfTest struct {
	*server
	ctx      context.Context
	wait     wire.Wait
	session  *wire.Session // nil if it has ended
	buf      *wire.Buffer
	unpacked int64 // by the archive before the virus
	roomFor  int64 // the largest size of a file that its machine has room for
}

func (t *selfTest) open() (err error) {
	if t.session == nil {
		t.session, err = t.server.open(&t.wait, t.ctx)
	}
	return err
}

func (t *selfTest) hangUp() {
	if t.session != nil {
		t.pool.put(t.session) // which closes it unless it is as new
		t.session = nil
	}
}

// ask sends an archive in the way in which files go.
func (t *selfTest) ask(z testvirus.Zip) (wire.Reply, error) {
	if err := t.open(); err != nil {
		return wire.Reply{}, err
	}
	fd, err := makeTestFile(z)
	if err != nil {
		return wire.Reply{}, err
	}
	defer closeFile(fd)
	r, err := send(t.session, t.byDescriptor(), &t.wait, fd, z.Size, t.buf)
	if err != nil || !t.session.Reusable() {
		t.hangUp()
	}
	return r, err
}

// send sends a file by descriptor or as a stream.
func send(x *wire.Session, byDescriptor bool, w *wire.Wait, fd int, size int64, b *wire.Buffer) (wire.Reply, error) {
	if byDescriptor {
		return x.Fildes(w, fd, b)
	}
	return x.Instream(w, fd, size, b)
}

// chooseMode finds the virus in the fastest mode that works.
func (t *selfTest) chooseMode() error {
	t.mu.Lock()
	t.fildes = t.canFildes() && !t.denied // scans may be under way in the other mode: both work
	fast := t.fildes
	t.mu.Unlock()
	err := t.findVirus()
	if !fast || t.Mode != Auto || !errors.Is(err, errUnfit) && !errors.Is(err, errRefused) {
		return err
	}
	t.setFildes(false)
	if t.findVirus() != nil {
		t.setFildes(true)
		return err
	}
	t.warnOnce("fildes", fmt.Sprintf("gets files by INSTREAM, as FILDES doesn't work: %v", err))
	return nil
}

func (t *selfTest) setFildes(to bool) {
	t.mu.Lock()
	t.fildes = to
	t.mu.Unlock()
}

// findVirus sends the virus behind what has to be unpacked first.
func (t *selfTest) findVirus() error {
	r, err := t.ask(testvirus.Roomy(int(t.unpacked)))
	if err == nil && meaning(r) == overLimit {
		t.warnOnce("small", fmt.Sprintf("has such small limits that it doesn't unpack %d bytes: raise MaxFileSize and MaxScanSize in its clamd.conf", t.unpacked))
		r, err = t.ask(testvirus.Plain(0))
	}
	switch {
	case err != nil:
		return err
	case meaning(r) == virus:
		return nil
	case r.Kind == wire.Clean:
		return fmt.Errorf("%w: clamd doesn't find a test virus in an archive: check ScanArchive, TemporaryDirectory, MaxFileSize and the database in its clamd.conf", errUnfit)
	}
	return fmt.Errorf("%w: clamd said %q of an archive that unpacks to %d bytes: has its TemporaryDirectory room?",
		errRefused, shorten(r.Text, maxQuote), t.unpacked)
}

// askForSettings asks about archives that clamd can't have looked into, warns
// if it calls them clean, and learns whether it tells of its limits.
func (t *selfTest) askForSettings() {
	t.askSetting(testvirus.Encrypted(), "encrypted archives", "AlertEncrypted")
	t.mu.Lock()
	chokes := t.size.chokes
	t.mu.Unlock()
	if chokes {
		return
	}
	r, err := t.askSetting(testvirus.Nested(), "what is over its limits and was not scanned", "AlertExceedsMax")
	t.mu.Lock()
	defer t.mu.Unlock()
	t.size.tells = err == nil && meaning(r) == overLimit
	t.size.chokes = errors.Is(err, wire.ErrLost)
}

// askSetting may not last longer than two connects: a question is not worth
// more.
func (t *selfTest) askSetting(z testvirus.Zip, what, setting string) (wire.Reply, error) {
	patience := t.wait
	defer func() { t.wait = patience }()
	t.wait.Deadline = time.Now().Add(2 * t.times.dial)
	r, err := t.ask(z)
	switch {
	case t.ctx.Err() != nil:
	case err != nil:
		t.warnOnce(setting+" unknown", fmt.Sprintf("didn't answer a question about %s: %v", setting, err))
	case r.Kind == wire.Clean:
		t.warnOnce(setting, fmt.Sprintf("answers OK for %s: set %s yes in its clamd.conf", what, setting))
	}
	return r, err
}

// trySize makes sure that files of a size are scanned, or learns that they are
// not.
func (t *selfTest) trySize(size int64) error {
	t.mu.Lock()
	tells, refused := t.size.tells, t.size.refused
	t.mu.Unlock()
	switch {
	case size <= small:
		t.scans(small)
		return nil
	case tells: // and so only the room bounds what is scanned
		t.scans(t.roomFor)
		return nil
	case refused > 0 && size >= refused:
		return nil
	}
	r, err := t.ask(testvirus.Plain(size))
	switch {
	case err != nil:
		return err
	case meaning(r) == virus:
		t.scans(size)
	case r.Kind == wire.Clean, meaning(r) == overLimit:
		t.skips(size)
		t.warnOnce("limit", fmt.Sprintf("answers OK for files of %d bytes without a scan, and so they are not OK here: "+
			"set AlertExceedsMax yes, or raise MaxFileSize, MaxScanSize and StreamMaxLength in its clamd.conf", size))
	default:
		return fmt.Errorf("%w: clamd said %q of an archive of %d bytes", errRefused, shorten(r.Text, maxQuote), size)
	}
	return nil
}

// scans notes that files of a size are scanned.
func (t *selfTest) scans(size int64) {
	t.mu.Lock()
	t.size.scanned = size
	t.mu.Unlock()
}

// skips notes that files of a size are not scanned. Smaller ones may be.
func (t *selfTest) skips(size int64) {
	t.mu.Lock()
	t.size.refused, t.size.wanted = size, t.size.scanned
	t.mu.Unlock()
}

// small is the size of a file that can't unpack to more than the least that
// is tested.
const small = leastUnpacked / deflateRatio

package clamd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/avirkit/avirkit/plugins/clam/wire"
)

const (
	// maxSent bounds how often a whole file is sent. This very file may crash
	// clamd.
	maxSent = 3

	// maxCut bounds how many uploads of a file are begun and cut off.
	maxCut = 10

	// maxRefused bounds how many servers, or tries on the same, may say that
	// they did not scan a file.
	maxRefused = 2

	// maxTouched bounds how often a file is scanned anew because its ctime
	// has changed.
	maxTouched = 3
)

// job is the scan of one file: all that its attempts share.
type job struct {
	*Client
	ctx   context.Context
	began time.Time
	wait  wire.Wait
	buf   *wire.Buffer
	fd    int
	state fileState

	last      error   // what kept the last attempt from its answer
	sent      int     // how often a server had the whole file and did not answer
	cut       int     // how often the upload was cut off
	touched   int     // how often the file's ctime had changed
	refused   int     // how often a server said that it did not scan the file
	refusedBy *server // the last that did
}

// run sends the file until there is a verdict, or no reason to try again.
func (j *job) run() (wire.Reply, *server, error) {
	for {
		change := j.news.next()
		srv := j.choose(j.refusedBy)
		if srv == nil {
			if err := j.hopeless(); err != nil {
				return wire.Reply{}, nil, err
			}
			if err := j.await(change, j.wait.Deadline); err != nil {
				return wire.Reply{}, nil, j.giveUp(err)
			}
			continue
		}
		began := time.Now()
		r, err := j.attempt(srv)
		srv.release()
		if j.Client.ctx.Err() != nil {
			return r, srv, errClosed
		}
		if err == nil && j.accepts(srv, r, began) {
			return r, srv, nil
		}
		if err != nil {
			if err := j.learn(srv, err, began); err != nil {
				return r, srv, err
			}
		}
		j.counts.repeats.Add(1)
	}
}

// accepts tells whether a reply is the verdict. An ERROR is clamd's word about
// itself: another server may do better, or the same one when it has passed a
// test.
func (j *job) accepts(srv *server, r wire.Reply, began time.Time) bool {
	if meaning(r) != failed {
		srv.answered()
		return true
	}
	err := fmt.Errorf("%w: it said %q of a file", errRefused, shorten(r.Text, maxQuote))
	if r.Text == noDescriptorText && srv.Mode == Auto && srv.byDescriptor() {
		srv.denyDescriptors()
		j.last = srv.at(err)
		return false
	}
	j.last, j.refusedBy = srv.at(err), srv
	if srv.suspect(began, err) { // else it has passed a test meanwhile
		j.refused++
	}
	return j.refused == maxRefused || r.Kind == wire.Contradicted
}

// noDescriptorText is clamd's word for a FILDES that came without its
// descriptor, as when a security module keeps it from clamd.
const noDescriptorText = "No file descriptor received."

// attempt scans once on one server.
func (j *job) attempt(srv *server) (r wire.Reply, err error) {
	byDescriptor := srv.byDescriptor()
	if byDescriptor {
		// clamd calls clean what it can't read.
		if err := j.buf.CheckReadable(&j.wait, j.fd, j.state.size); err != nil {
			return r, err
		}
	}
	x, err := srv.session(&j.wait, j.Client.ctx)
	if err != nil {
		return r, err
	}
	r, err = send(x, byDescriptor, &j.wait, j.fd, j.state.size, j.buf)
	if err != nil {
		srv.pool.drop(x)
		switch {
		case !errors.Is(err, wire.ErrLost) || errors.Is(err, wire.ErrSilent):
		case x.Sent():
			j.sent++
		default:
			j.cut++
		}
		return r, err
	}
	srv.pool.put(x)
	if r.Kind == wire.Clean {
		return j.believe(srv)
	}
	return r, nil
}

// believe returns what is to be said where clamd has said OK: it counts if the
// server has passed its self-test, at the file's size, and if the file is
// still the one that was sent.
func (j *job) believe(srv *server) (r wire.Reply, err error) {
	for {
		change := j.news.next()
		switch srv.trusts(j.state.size) {
		case scanned:
			if err := srv.stillHasRoom(j.state.size); err != nil {
				srv.suspect(time.Now(), err)
				return r, fmt.Errorf("%w: %w", errNotTrusted, err)
			}
			// Reading takes time, and clamd maps a descriptor's file when it
			// gets there.
			return wire.Reply{Kind: wire.Clean}, j.state.unchanged(j.fd)
		case unscanned:
			return wire.Reply{Kind: wire.OverLimit, Text: unscannedName}, nil
		case nothing:
			return r, errNotTrusted
		}
		if err := j.await(change, j.wait.Deadline); err != nil {
			return r, err
		}
	}
}

// errNotTrusted says that a server was found out while it had the file.
var errNotTrusted = errors.New("its self-test failed meanwhile")

// unscannedName names what clamd calls clean without a scan.
const unscannedName = "Heuristics.Limits.Exceeded.MaxFileSize"

// learn takes the consequences of an attempt that failed. It returns an error
// if there is no reason to try again.
func (j *job) learn(srv *server, err error, began time.Time) error {
	switch {
	case errors.Is(err, wire.ErrDeadline):
		return j.giveUp(err)
	case errors.Is(err, errTouched):
		if j.touched++; j.touched == maxTouched {
			return err
		}
		j.state, err = stateOf(j.fd)
		return err
	case errors.Is(err, errNotTrusted):
	case isOurFault(err):
		j.last = srv.at(err)
		if err := j.await(nil, time.Now().Add(j.times.pause)); err != nil {
			return j.giveUp(err)
		}
		return nil
	case errors.Is(err, wire.ErrLost):
		srv.suspect(began, err)
	case errors.Is(err, wire.ErrEndless):
		srv.suspect(began, err)
		return srv.at(err)
	default: // the file's fault, or the end of its context
		return err
	}
	j.last = srv.at(err)
	if j.sent == maxSent || j.cut == maxCut {
		return fmt.Errorf("sent %d times and cut off %d times without an answer: %w", j.sent, j.cut, j.last)
	}
	return nil
}

// hopeless returns why no server will scan a file in time: all of them answer,
// and can't be trusted.
func (j *job) hopeless() error {
	var first error
	for _, s := range j.servers {
		err := s.hopeless(j.began)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// await waits for a change or the time until, but not beyond the deadline.
func (j *job) await(change <-chan struct{}, until time.Time) error {
	timer := time.NewTimer(min(time.Until(until), time.Until(j.wait.Deadline)))
	defer timer.Stop()
	select {
	case <-change:
		return nil
	case <-j.Client.ctx.Done():
		return errClosed
	case <-j.ctx.Done():
		if err := j.ctx.Err(); err != context.DeadlineExceeded {
			return err
		}
	case <-timer.C:
		if time.Now().Before(j.wait.Deadline) {
			return nil
		}
	}
	return wire.ErrDeadline
}

// giveUp names what kept a scan from its answer until the deadline.
func (j *job) giveUp(err error) error {
	if err == errClosed || errors.Is(err, context.Canceled) {
		return err
	}
	last := j.last
	for _, s := range j.servers {
		// What keeps it from being ready is newer than what the scan met with.
		if problem := s.problem(); problem != nil {
			last = problem
			break
		}
	}
	if last == nil {
		return err
	}
	return fmt.Errorf("%w; before that: %w", err, last)
}

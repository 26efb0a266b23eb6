package clamd

import (
	"errors"
	"syscall"
)

// errNoSample says that this machine, and not the server, keeps us from a
// test.
var errNoSample = errors.New("clamd can't be tested")

// notItsFault tells whether an error leaves open what the server is like: it
// is busy, or this process or machine is short of something.
func notItsFault(err error) bool {
	for _, short := range []error{
		errNoSample,
		syscall.EAGAIN, // the backlog of a unix socket is full
		syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOBUFS, syscall.ENOSPC,
		syscall.ETOOMANYREFS, // too many descriptors are under way
	} {
		if errors.Is(err, short) {
			return true
		}
	}
	return false
}

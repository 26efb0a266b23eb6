package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/api/internal/panictext"
)

var errGoexit = errors.New("left its goroutine with runtime.Goexit")

// protect calls f, a function of the plugin, and returns a panic in it as an
// error.
func protect(what string, f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s panicked: %s", what, panictext.Of(r))
		}
	}()
	debug.SetPanicOnFault(true) // a wild address panics as a nil pointer does
	return f()
}

// protectScan scans one file and turns a panic into Failed.
func protectScan(log *api.Logger, s api.Scanner, ctx context.Context, file api.File) (result api.Result, panicked bool) {
	defer func() {
		if r := recover(); r != nil {
			log.Errorf("scan of %s: the plugin panicked: %s", name(file), panictext.Of(r))
			result, panicked = failed("internal error of the plugin"), true
		}
	}()
	debug.SetPanicOnFault(true)
	return s.Scan(ctx, file), false
}

// aside calls f on a goroutine of its own and waits for it up to limit, or
// until somebody sends on giveUp. When f hangs, late gets its answer if one
// ever comes; otherwise late is nil.
//
// A goroutine also keeps a runtime.Goexit in f, which nothing can stop, away
// from the host's thread, whose process it would end.
func aside(limit time.Duration, giveUp <-chan struct{}, what string, f func() error) (late <-chan error, err error) {
	answer := make(chan error, 1)
	go func() {
		err := fmt.Errorf("%s %w", what, errGoexit)
		defer func() { answer <- err }()
		err = protect(what, f)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-answer:
		return nil, err
	case <-giveUp:
		return answer, fmt.Errorf("%s had not answered when the plugin was closed", what)
	case <-timer.C:
		return answer, fmt.Errorf("%s has not answered within %v", what, limit)
	}
}

// then calls f with the answer of an abandoned call when it comes, and closes
// the returned channel after that.
func then(late <-chan error, f func(error)) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(<-late)
	}()
	return done
}

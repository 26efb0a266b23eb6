// Package lifecycle runs one api.Plugin as the host's calls demand: init,
// threads, scans, close, and init again. It is the SDK without C: package abi
// puts the host's interface in front of it, and apitest drives it in tests.
//
// Author code may panic, hang or leave its goroutine: every method here then
// returns in bounded time with an answer for the host. The exception is a Scan
// that the author has declared inline and that misses its deadline: it holds
// the host's thread until it returns.
package lifecycle

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/avirkit/avirkit/api"
)

// Bounds on author code that the host waits for.
const (
	infoLimit  = 5 * time.Second  // Info, which the host waits for while it loads the library
	initLimit  = 5 * time.Minute  // Init, which may wait for a server to load its database
	closeLimit = 10 * time.Second // Plugin.Close, Scanner.Close, and an init or close already running
	grace      = time.Second      // what a scan gets after its deadline or after plugin_close
)

// maxAbandoned is how many hung calls for scanners are left behind, each with
// the memory and descriptors it holds, before new scanners are refused.
const maxAbandoned = 32

// Library is one registered plugin.
type Library struct {
	plugin  api.Plugin
	info    api.Info
	problem error // why the plugin can't be used at all

	turn      chan struct{} // a lock: whoever has put a value in may run init or close
	giveUp    chan struct{} // tells a running init not to wait any longer for the plugin
	run       atomic.Pointer[run]
	abandoned atomic.Int32
	late      <-chan struct{} // guarded by turn; open while an abandoned Init or Close runs

	mu        sync.Mutex // guards the rest, and only for moments
	config    api.Config
	lastError string
}

// New registers plugin. It never fails: a plugin that can't be used answers
// Init with an error that says why.
func New(plugin api.Plugin) *Library {
	l := &Library{plugin: plugin, turn: make(chan struct{}, 1), giveUp: make(chan struct{}, 1)}
	if plugin == nil {
		return Broken(errors.New("no plugin is registered: call abi.Register from an init function of package main"))
	}
	var info api.Info
	late, err := aside(infoLimit, nil, "Info", func() error {
		info = plugin.Info()
		return api.Validate(info)
	})
	if late == nil {
		l.info = info
	}
	if err != nil {
		l.problem = fmt.Errorf("the plugin can't be used: %w", err)
		_ = l.fail(l.problem)
	}
	l.config = api.NewConfig(l.info.Options())
	return l
}

// Broken returns a library that answers every Init with problem.
func Broken(problem error) *Library {
	l := &Library{problem: problem, turn: make(chan struct{}, 1), giveUp: make(chan struct{}, 1)}
	_ = l.fail(problem)
	return l
}

// Info returns what the plugin said about itself when it was registered.
func (l *Library) Info() api.Info { return l.info }

// Set changes an option for the next Init and tells whether it is known.
func (l *Library) Set(name, value string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	config, known := l.config.With(name, value)
	l.config = config
	return known
}

// Config returns the options' present values.
func (l *Library) Config() api.Config {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.config
}

// LastError returns why the last Init, NewThread or Close failed, or "" after
// an Init that succeeded.
func (l *Library) LastError() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lastError
}

// Sink is where the log goes between one Init and its Close.
type Sink interface {
	Open()             // before the first line
	Write(line string) // called by any goroutine, before Open and after Close too
	Close()            // afterwards no line may reach the host
}

// Init starts the plugin with the present options; its log goes to sink.
// Init of a running plugin succeeds and changes nothing.
func (l *Library) Init(sink Sink) error {
	running, err := l.init(sink)
	// init has given the turn back: the host may call it from its log callback.
	if running != nil && !slices.Equal(l.Config().Settings(), running.config.Settings()) {
		running.log.Warningf("init of a running plugin: the new options wait for a close and an init")
	}
	return err
}

// init does the work of Init. It returns the run that exists already, if any.
func (l *Library) init(sink Sink) (running *run, err error) {
	if l.problem != nil {
		return nil, l.fail(l.problem)
	}
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	default:
		return nil, l.fail(errors.New("another call of init or close is still running"))
	}
	if r := l.run.Load(); r != nil {
		return r, nil
	}
	if l.late != nil {
		select {
		case <-l.late:
		default:
			return nil, l.fail(errors.New("an earlier init or close of the plugin still hangs: restart the server"))
		}
	}
	sink.Open()
	r := newRun(l, sink)
	select {
	case <-l.giveUp: // a Close sent it to an earlier init, which ended by itself
	default:
	}
	late, err := aside(initLimit, l.giveUp, "Init", func() error { return l.plugin.Init(r.config, r.log) })
	if late != nil {
		l.late = then(late, func(err error) {
			if err == nil {
				_ = protect("Close", l.plugin.Close) // the host was told that Init failed
			}
		})
	}
	if err != nil {
		sink.Close()
		return nil, l.fail(err)
	}
	_ = l.fail(nil)
	l.run.Store(r)
	return nil, nil
}

// Close cancels the running scans, closes the scanners of all threads and
// then the plugin. Close of a plugin that doesn't run succeeds. An Init that
// takes too long then fails, and the plugin is closed when it is through.
func (l *Library) Close() error {
	if !l.take(closeLimit) {
		select {
		case l.giveUp <- struct{}{}:
		default:
		}
		if !l.take(grace) {
			return l.fail(errors.New("another call of init or close is still running"))
		}
	}
	defer func() { <-l.turn }()
	r := l.run.Swap(nil)
	if r == nil {
		return nil
	}
	r.close()
	late, err := aside(closeLimit, nil, "Close", l.plugin.Close)
	r.sink.Close()
	if late != nil {
		l.late = then(late, func(error) {})
	}
	if err != nil {
		return l.fail(err)
	}
	return nil
}

// take waits for the turn.
func (l *Library) take(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case l.turn <- struct{}{}:
		return true
	case <-timer.C:
		return false
	}
}

// room tells whether one more scanner may be made.
func (l *Library) room() error {
	if n := l.abandoned.Load(); n >= maxAbandoned {
		return fmt.Errorf("%d calls into the plugin hang; no more until some end or the server restarts", n)
	}
	return nil
}

// abandon counts the call that late will answer until f is through with it.
func (l *Library) abandon(late <-chan error, f func(error)) {
	l.abandoned.Add(1)
	then(late, func(err error) {
		defer l.abandoned.Add(-1)
		f(err)
	})
}

// fail keeps err for LastError and returns it.
func (l *Library) fail(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lastError = ""
	if err != nil {
		l.lastError = err.Error()
	}
	return err
}

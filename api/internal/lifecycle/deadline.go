package lifecycle

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/avirkit/avirkit/api"
)

// worker runs the author's scanner on a goroutine of its own, so that the
// host's thread can go on when the scanner hangs. The hung goroutine is left
// behind; if its scan ever ends, it closes the scanner and is gone.
type worker struct {
	run     *run
	jobs    chan job
	answers chan answer // has room for the last two answers, so that a worker that was left behind can end
	timer   *time.Timer
	state   atomic.Int32
}

// The values of state. It leaves working once: whichever comes first, a
// caller that has stopped waiting or the goroutine's end, decides.
const (
	working = iota
	leftBehind
	ended
)

type job struct {
	ctx  *scanContext
	file api.File
}

// answer is sent once for NewScanner, for each job and for Scanner.Close.
type answer struct {
	result api.Result
	err    error
	lost   bool // the goroutine ends after this answer
}

func newWorker(r *run) (*worker, error) {
	if err := r.library.room(); err != nil {
		return nil, err
	}
	w := &worker{run: r, jobs: make(chan job), answers: make(chan answer, 2), timer: time.NewTimer(r.timeout)}
	go w.loop()
	// Plugin.Close waits for a NewScanner as long as for a scanner's Close.
	got, err := w.wait(r.timeout, r.closing, closeLimit)
	if err != nil {
		close(w.jobs)
		return nil, fmt.Errorf("NewScanner %w", err)
	}
	if got.err != nil {
		return nil, got.err
	}
	return w, nil
}

func (w *worker) scan(ctx *scanContext, file api.File) (result api.Result, lost bool) {
	w.jobs <- job{ctx, file}
	got, err := w.wait(w.run.timeout+grace, w.run.closing, grace)
	if err != nil {
		close(w.jobs) // the goroutine closes the scanner when its scan ends
		w.run.log.Errorf("scan of %s: the plugin %v", name(file), err)
		return failed("the plugin did not answer in time"), true
	}
	return got.result, got.lost
}

func (w *worker) close() error {
	close(w.jobs)
	// All of the limit also while the plugin is being closed, because
	// Plugin.Close must not take away what the scanner still uses.
	got, err := w.wait(closeLimit, nil, 0)
	if err != nil {
		return fmt.Errorf("Scanner.Close %w", err)
	}
	return got.err
}

var errHangs = errors.New("has not answered in time and is left behind")

// wait returns the worker's next answer. When none comes within limit, or
// within after from the moment at which closing is closed, it leaves the
// worker behind.
func (w *worker) wait(limit time.Duration, closing <-chan struct{}, after time.Duration) (answer, error) {
	w.timer.Reset(limit)
	defer w.timer.Stop()
	for {
		select {
		case got := <-w.answers:
			return got, nil
		case <-closing:
			closing = nil
			w.timer.Reset(min(limit, after))
		case <-w.timer.C:
			w.leave()
			return answer{}, errHangs
		}
	}
}

// leave counts the goroutine as left behind until it ends.
func (w *worker) leave() {
	if w.state.CompareAndSwap(working, leftBehind) {
		w.run.library.abandoned.Add(1)
	}
}

// loop is the worker's goroutine.
func (w *worker) loop() {
	left := errGoexit // what the author's code did if this function doesn't come to its end
	defer func() {
		if left != nil {
			w.run.log.Errorf("the plugin's scanner %v", left)
			w.answers <- answer{result: failed("internal error of the plugin"), err: left, lost: true}
		}
		if !w.state.CompareAndSwap(working, ended) {
			w.run.library.abandoned.Add(-1)
		}
	}()
	w.serve()
	left = nil
}

func (w *worker) serve() {
	scanner, err := makeScanner(w.run)
	w.answers <- answer{err: err}
	if err != nil {
		return
	}
	for job := range w.jobs {
		result, panicked := protectScan(w.run.log, scanner, job.ctx, job.file)
		if panicked {
			w.leave() // nobody waits for Close, which may hang as well
			w.answers <- answer{result: result, lost: true}
			_ = protect("Scanner.Close", scanner.Close)
			return
		}
		w.answers <- answer{result: result}
	}
	w.answers <- answer{err: protect("Scanner.Close", scanner.Close)}
}

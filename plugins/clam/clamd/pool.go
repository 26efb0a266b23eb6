package clamd

import (
	"slices"
	"sync"
	"time"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/wire"
)

// pool has the sessions to one server. clamd has few places for connections
// (MaxThreads, MaxQueue), and an idle session takes one: so the pool keeps no
// more of them than clamd has served at the same time without delay, and none
// while a new session waits for its place.
type pool struct {
	*settings

	mu      sync.Mutex
	idle    []*wire.Session // the last one used last
	live    map[*wire.Session]bool
	served  int // the most sessions that were answered at once without delay
	waiting int // new sessions that clamd doesn't answer yet
	closed  bool
	timer   *time.Timer // closes idle sessions; nil if there is none to close
}

func newPool(common *settings) pool {
	return pool{settings: common, live: map[*wire.Session]bool{}}
}

// add takes a new session in, which is interrupted when the pool is closed.
func (p *pool) add(x *wire.Session) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return errClosed
	}
	p.live[x] = false
	return nil
}

// takesTime makes room for a new session that clamd doesn't answer: the idle
// ones are closed, and those in use when they are put back.
func (p *pool) takesTime() {
	p.mu.Lock()
	p.waiting++
	p.mu.Unlock()
	p.dropIdle()
}

// isServed notes that clamd answers a new session, and whether that took time.
func (p *pool) isServed(x *wire.Session, tookTime bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, there := p.live[x]; !there {
		return
	}
	p.live[x] = true
	if tookTime {
		p.waiting--
		return
	}
	n := 0
	for _, answered := range p.live {
		if answered {
			n++
		}
	}
	p.served = max(p.served, n)
}

// gaveUp notes that a session no longer waits for its place.
func (p *pool) gaveUp() {
	p.mu.Lock()
	p.waiting--
	p.mu.Unlock()
}

// take returns the idle session that was used last and is as it was, or nil.
// lost says that another one had ended without a word of clamd's.
func (p *pool) take() (x *wire.Session, lost bool) {
	for {
		p.mu.Lock()
		n := len(p.idle)
		if n == 0 {
			p.mu.Unlock()
			return nil, false
		}
		x = p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		ended, orderly := x.Ended()
		if !ended {
			return x, false
		}
		p.drop(x)
		if !orderly {
			return nil, true
		}
	}
}

// put keeps a session whose command has its reply, or closes it.
func (p *pool) put(x *wire.Session) {
	p.mu.Lock()
	keep := x.Reusable() && !p.closed && p.waiting == 0 && len(p.idle) < max(p.served, 1)
	if keep {
		p.idle = append(p.idle, x)
		if p.timer == nil {
			p.timer = time.AfterFunc(p.times.idle, func() { api.Go(p.log, p.expire) })
		}
	}
	p.mu.Unlock()
	if !keep {
		p.drop(x)
	}
}

// drop closes a session.
func (p *pool) drop(x *wire.Session) {
	p.mu.Lock()
	delete(p.live, x)
	p.mu.Unlock()
	x.Close()
}

// dropIdle closes all idle sessions.
func (p *pool) dropIdle() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, x := range idle {
		p.drop(x)
	}
}

// expire closes the sessions that have been idle long, and comes again while
// there are others.
func (p *pool) expire() {
	now := time.Now()
	p.mu.Lock()
	n := slices.IndexFunc(p.idle, func(x *wire.Session) bool { return now.Sub(x.LastReply()) < p.times.idle })
	if n < 0 {
		n = len(p.idle)
	}
	old := slices.Clone(p.idle[:n])
	p.idle = slices.Delete(p.idle, 0, n)
	p.timer = nil
	if len(p.idle) > 0 && !p.closed {
		left := p.times.idle - now.Sub(p.idle[0].LastReply())
		p.timer = time.AfterFunc(left, func() { api.Go(p.log, p.expire) })
	}
	p.mu.Unlock()
	for _, x := range old {
		p.drop(x)
	}
}

// close closes the idle sessions, and makes those who use the others notice.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	p.mu.Unlock()
	p.dropIdle()
	p.mu.Lock()
	defer p.mu.Unlock()
	for x := range p.live {
		x.Interrupt()
	}
}

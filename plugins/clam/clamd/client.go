package clamd

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/avirkit/avirkit/api"
)

// Mode says how files reach clamd.
type Mode string

const (
	Auto     Mode = "auto"     // FILDES over a unix socket if it works, INSTREAM otherwise
	Fildes   Mode = "fildes"   // FILDES only; for unix sockets
	Instream Mode = "instream" // INSTREAM only
)

// Config is how a Client scans.
type Config struct {
	Servers        []Address     // at least one
	Mode           Mode          // how files get there
	StartupTimeout time.Duration // how long Start waits for a server
	ScanTimeout    time.Duration // bound of one scan, all repetitions included
	SelfTest       time.Duration // how long an OK of a server counts after its self-test
	MaxFileSize    int64         // bytes; a larger file is not sent
	OnLimit        api.Verdict   // for a file over a limit
	OnEncrypted    api.Verdict   // for a file that is encrypted
	Names          []NameRule    // for what clamd calls by these names; the first that fits
	Log            *api.Logger
}

// times are bounds that follow from the configuration, or that only the tests
// change.
type times struct {
	dial    time.Duration // of one connect
	silence time.Duration // a server that gives no sign of life for so long is given up
	ping    time.Duration // between PINGs of a scan, well inside clamd's ReadTimeout of 120 s
	idle    time.Duration // after it an unused session is closed: it takes a place in clamd's queue
	crowd   time.Duration // after it a silent new session is taken to wait for a place
	pause   time.Duration // before the test after a failed one; doubles each time
	pauseTo time.Duration // the longest such pause
	look    time.Duration // between two questions for VERSION
	grace   time.Duration // how long Start waits for the other servers, and a scan for a sick one
}

// settings are what the client and its servers share. Nobody changes them.
type settings struct {
	Config
	times  times
	log    *api.Logger
	lookup func(ctx context.Context, host string) (ips []string, err error)
}

// Client scans files with the servers of its Config.
type Client struct {
	*settings
	servers []*server
	news    *news
	turn    atomic.Uint32
	counts  counts

	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	running sync.WaitGroup // the goroutines of the servers

	mu    sync.Mutex
	scans int           // under way
	left  chan struct{} // made by Close; closed when the last scan has ended
}

// errClosed says that the client was closed.
var errClosed = errors.New("the antivirus is closing")

// New makes a client. It connects to nothing before Start.
func New(cfg Config) *Client {
	// A third of a scan's time leaves enough for another server. A busy clamd
	// is silent for seconds, PINGs included, and half the time is the most that
	// leaves any.
	third := cfg.ScanTimeout / 3
	silence := min(max(5*time.Second, min(third, time.Minute)), cfg.ScanTimeout/2)
	c := &Client{news: newNews(), settings: &settings{Config: cfg, log: cfg.Log, lookup: net.DefaultResolver.LookupHost, times: times{
		dial:    min(5*time.Second, third),
		silence: silence,
		ping:    min(10*time.Second, silence/3), // several within a silence
		idle:    10 * time.Second,
		crowd:   50 * time.Millisecond,
		pause:   50 * time.Millisecond,
		pauseTo: 5 * time.Second,
		look:    min(time.Minute, cfg.SelfTest),
		grace:   3 * time.Second,
	}}}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	for _, addr := range cfg.Servers {
		c.servers = append(c.servers, newServer(addr, c.settings, c.news))
	}
	return c
}

// closeLimit bounds how long Close waits for scans. They end at once unless a
// file system hangs.
const closeLimit = 2 * time.Second

// Close makes every scan under way answer FAILED, waits for that, and closes
// all connections.
func (c *Client) Close() {
	c.cancel()
	for _, s := range c.servers {
		s.pool.close()
	}
	c.running.Wait()
	left := make(chan struct{})
	c.mu.Lock()
	if c.scans == 0 {
		close(left)
	} else {
		c.left = left
	}
	c.mu.Unlock()
	limit := time.NewTimer(closeLimit)
	defer limit.Stop()
	select {
	case <-left:
	case <-limit.C:
	}
}

func (c *Client) scanBegins() {
	c.mu.Lock()
	c.scans++
	c.mu.Unlock()
}

func (c *Client) scanEnds() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.scans--; c.scans == 0 && c.left != nil {
		close(c.left)
		c.left = nil
	}
}

// news tells whoever waits that the state of a server has changed.
type news struct {
	mu sync.Mutex
	ch chan struct{}
}

func newNews() *news { return &news{ch: make(chan struct{})} }

// next returns a channel that is closed at the next change. Whoever waits for
// a state asks for it before looking at that state.
func (n *news) next() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ch
}

func (n *news) tell() {
	n.mu.Lock()
	defer n.mu.Unlock()
	close(n.ch)
	n.ch = make(chan struct{})
}

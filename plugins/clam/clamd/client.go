package clamd

import (
	"context"
	"slices"
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
	MaxFileSize    int64         // bytes; a larger file is not sent
	OnLimit        api.Verdict   // for a file over a limit
	OnEncrypted    api.Verdict   // for a file that is encrypted
	Log            *api.Logger
}

// Client scans files with the servers of its Config.
type Client struct {
	Config
	log    *api.Logger
	times  timing
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	closed atomic.Bool

	mu      sync.Mutex
	servers []*server
	turn    uint // its overflow does no harm
	canary  int  // descriptor of the test file that is sent most; -1 before it is made

	running sync.WaitGroup // the goroutines of the client
}

// New makes a client. It connects to nothing before Start.
func New(cfg Config) *Client {
	// A third of a scan's time leaves enough for another server. A busy clamd
	// is silent for seconds, PINGs included, and half the time is the most that
	// leaves any.
	third := cfg.ScanTimeout / 3
	silence := min(max(5*time.Second, min(third, time.Minute)), cfg.ScanTimeout/2)
	c := &Client{Config: cfg, log: cfg.Log, canary: -1, times: timing{
		dial:    min(5*time.Second, third),
		ping:    min(10*time.Second, silence/3), // several within a silence
		silence: silence,
		giveUp:  60 * time.Second,
		pause:   50 * time.Millisecond,
		pauseTo: 5 * time.Second,
		tick:    time.Second,
		fresh:   20 * time.Millisecond,
		grace:   3 * time.Second,
	}}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	for _, addr := range cfg.Servers {
		s := &server{addr: addr, down: true} // until Start has proven it
		s.fildes.Store(addr.Network == "unix" && cfg.Mode != Instream)
		c.servers = append(c.servers, s)
	}
	return c
}

// closeLimit bounds how long Close waits for scans. They end by themselves in
// some tenths of a second unless a file system hangs.
const closeLimit = 2 * time.Second

// Close makes every scan under way answer FAILED, waits for that, and closes
// all connections.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed.Store(true)
	var idle []*session
	for _, s := range c.servers {
		idle = append(idle, s.idle...)
		s.idle = nil
	}
	c.mu.Unlock()
	c.cancel() // after closed: whoever is woken must see why
	for _, x := range idle {
		x.close()
	}
	c.running.Wait()
	for limit := time.Now().Add(closeLimit); c.scanning() && time.Now().Before(limit); {
		time.Sleep(slice / 20)
	}
	c.closeCanary()
}

// scanning tells whether a scan holds a server.
func (c *Client) scanning() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.servers, func(s *server) bool { return s.busy > 0 })
}

// spawn starts a goroutine that Close waits for. Each waits for nothing that
// Close doesn't end.
func (c *Client) spawn(f func()) {
	c.running.Add(1)
	api.Go(c.log, func() {
		defer c.running.Done()
		f()
	})
}

package lifecycle

import (
	"context"
	"sync"
	"time"

	"github.com/avirkit/avirkit/api"
)

var testInfo = api.NewInfo("avir_fake", "Fake, version 1", api.Option{Name: "Mode", Default: "good"})

// shortest is a ScanTimeout within which a busy machine, too, makes a scanner.
const shortest = 200 * time.Millisecond

// fakePlugin is an author's plugin made of functions; nil ones do nothing.
type fakePlugin struct {
	info       api.Info
	init       func(api.Config, *api.Logger) error
	newScanner func() (api.Scanner, error)
	scan       func(context.Context, api.File) api.Result
	closeScan  func() error
	close      func() error
}

func (p *fakePlugin) Info() api.Info { return p.info }

func (p *fakePlugin) Init(cfg api.Config, log *api.Logger) error {
	if p.init == nil {
		return nil
	}
	return p.init(cfg, log)
}

func (p *fakePlugin) NewScanner() (api.Scanner, error) {
	if p.newScanner == nil {
		return fakeScanner{p}, nil
	}
	return p.newScanner()
}

func (p *fakePlugin) Close() error {
	if p.close == nil {
		return nil
	}
	return p.close()
}

type fakeScanner struct{ plugin *fakePlugin }

func (s fakeScanner) Scan(ctx context.Context, file api.File) api.Result {
	return s.plugin.scan(ctx, file)
}

func (s fakeScanner) Close() error {
	if s.plugin.closeScan == nil {
		return nil
	}
	return s.plugin.closeScan()
}

// fakeSink collects what is logged while it is open.
type fakeSink struct {
	mu    sync.Mutex
	open  bool
	lines []string
}

func (s *fakeSink) Open()  { s.set(true) }
func (s *fakeSink) Close() { s.set(false) }

func (s *fakeSink) set(open bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = open
}

func (s *fakeSink) Write(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open {
		s.lines = append(s.lines, line)
	}
}

func (s *fakeSink) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.lines...)
}

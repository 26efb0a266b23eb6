package lifecycle

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
)

func TestCloseOfAThreadCancelsItsScan(t *testing.T) {
	for mode, inline := range modes {
		for name, wait := range map[string]func(context.Context){
			"waiting": func(ctx context.Context) { <-ctx.Done() },
			"polling": poll,
		} {
			t.Run(mode+"/"+name, func(t *testing.T) {
				scanning := make(chan context.Context)
				plugin := &fakePlugin{info: testInfo}
				plugin.info.Inline = inline
				plugin.scan = func(ctx context.Context, file api.File) api.Result {
					if file.Path == "wait" {
						scanning <- ctx
						wait(ctx)
					}
					return api.Result{Verdict: api.Impossible, Text: "told to stop"}
				}
				library, thread, _ := open(t, plugin)
				other, err := library.NewThread()
				require.NoError(t, err)
				answer := make(chan api.Result, 1)
				go func() { answer <- thread.Scan(api.File{Path: "wait"}) }()
				ctx := <-scanning
				assert.NoError(t, thread.Close())
				assert.ErrorIs(t, ctx.Err(), context.Canceled)
				assert.Equal(t, api.Impossible, (<-answer).Verdict)
				assert.Equal(t, api.Impossible, other.Scan(api.File{}).Verdict, "others go on")
				assert.Len(t, library.run.Load().threads, 1)
			})
		}
	}
}

func TestScannerIsClosedWhenItsThreadCouldNotWaitForTheScan(t *testing.T) {
	t.Parallel()
	var both sync.WaitGroup // at once, because each waits for closeLimit
	for mode, inline := range modes {
		scanning, release := make(chan struct{}), make(chan struct{})
		var closed atomic.Int32
		plugin := &fakePlugin{info: testInfo}
		plugin.info.Inline = inline
		plugin.scan = func(context.Context, api.File) api.Result {
			close(scanning)
			<-release
			return api.Result{Verdict: api.OK}
		}
		plugin.closeScan = func() error { closed.Add(1); return nil }
		library, thread, _ := open(t, plugin)
		both.Add(1)
		go func() {
			defer both.Done()
			answer := make(chan api.Result, 1)
			go func() { answer <- thread.Scan(api.File{}) }()
			<-scanning
			begin := time.Now()
			assert.ErrorContains(t, thread.Close(), "still running", mode)
			assert.GreaterOrEqual(t, time.Since(begin), closeLimit, mode)
			assert.Less(t, time.Since(begin), closeLimit*3/2, mode)
			assert.Contains(t, library.run.Load().threads, thread, "Library.Close would wait for it")
			close(release)
			assert.Equal(t, api.OK, (<-answer).Verdict, mode)
			assert.EqualValues(t, 1, closed.Load(), mode)
			assert.Empty(t, library.run.Load().threads, mode)
			assert.Equal(t, api.Failed, thread.Scan(api.File{}).Verdict, mode)
			assert.NoError(t, library.Close(), mode)
			assert.EqualValues(t, 1, closed.Load(), mode)
		}()
	}
	both.Wait()
}

func TestCloseOfThePluginWaitsForNewScanner(t *testing.T) {
	for mode, inline := range modes {
		t.Run(mode, func(t *testing.T) {
			making, release := make(chan struct{}), make(chan struct{})
			order := make(chan string, 3)
			plugin := &fakePlugin{info: testInfo}
			plugin.info.Inline = inline
			plugin.newScanner = func() (api.Scanner, error) {
				close(making)
				<-release
				order <- "made"
				return fakeScanner{plugin}, nil
			}
			plugin.closeScan = func() error { order <- "scanner closed"; return nil }
			plugin.close = func() error { order <- "plugin closed"; return nil }
			library := New(plugin)
			require.NoError(t, library.Init(&fakeSink{}))
			r := library.run.Load()
			made, closed := make(chan error, 1), make(chan error, 1)
			go func() {
				_, err := library.NewThread()
				made <- err
			}()
			<-making
			go func() { closed <- library.Close() }()
			<-r.closing
			close(release)
			assert.ErrorIs(t, <-made, errClosing)
			assert.NoError(t, <-closed)
			for _, step := range []string{"made", "scanner closed", "plugin closed"} {
				assert.Equal(t, step, <-order)
			}
		})
	}
}

func TestCloseDuringAnInitThatHangsFailsTheInit(t *testing.T) {
	t.Parallel()
	starting, release, closed := make(chan struct{}), make(chan struct{}), make(chan struct{})
	plugin, sink := &fakePlugin{info: testInfo}, &fakeSink{}
	plugin.init = func(api.Config, *api.Logger) error {
		close(starting)
		<-release
		return nil
	}
	plugin.close = func() error { close(closed); return nil }
	library := New(plugin)
	started := make(chan error, 1)
	go func() { started <- library.Init(sink) }()
	<-starting
	begin := time.Now()
	assert.NoError(t, library.Close())
	assert.Less(t, time.Since(begin), closeLimit*3/2)
	assert.ErrorContains(t, <-started, "Init had not answered when the plugin was closed")
	assert.False(t, sink.open)
	assert.ErrorContains(t, library.Init(sink), "still hangs")
	close(release)
	<-closed
	<-library.late
	plugin.init, plugin.close = nil, nil
	assert.NoError(t, library.Init(sink), "an Init after that is not told to give up")
	assert.NoError(t, library.Close())
}

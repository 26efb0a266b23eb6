package lifecycle

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
)

var modes = map[string]bool{"inline": true, "goroutine": false}

// open starts a library whose scanners do what scan does.
func open(t *testing.T, plugin *fakePlugin) (*Library, *Thread, *fakeSink) {
	sink := &fakeSink{}
	library := New(plugin)
	require.NoError(t, library.Init(sink))
	t.Cleanup(func() { _ = library.Close() })
	thread, err := library.NewThread()
	require.NoError(t, err)
	return library, thread, sink
}

func TestScanAnswersAsTheScannerDoesOrFails(t *testing.T) {
	virus := api.Result{Verdict: api.VirusFound, Text: "Eicar"}
	for name, c := range map[string]struct {
		scan func(context.Context, api.File) api.Result
		want api.Result
		log  string
	}{
		"verdict with text":        {func(context.Context, api.File) api.Result { return virus }, virus, ""},
		"OK has no text":           {func(context.Context, api.File) api.Result { return api.Result{Verdict: api.OK, Text: "x"} }, api.Result{Verdict: api.OK}, ""},
		"virus without a name":     {func(context.Context, api.File) api.Result { return api.Result{Verdict: api.VirusFound} }, api.Result{Verdict: api.VirusFound, Text: "unnamed virus"}, ""},
		"cured counts as found":    {func(context.Context, api.File) api.Result { return api.Result{Verdict: api.VirusCured, Text: "x"} }, api.Result{Verdict: api.VirusFound, Text: "x"}, "not supported"},
		"error is passed on":       {func(context.Context, api.File) api.Result { return api.Result{Verdict: api.Error, Text: "x"} }, api.Result{Verdict: api.Error, Text: "x"}, ""},
		"verdict above the range":  {func(context.Context, api.File) api.Result { return api.Result{Verdict: 6} }, failed("unknown verdict"), "unknown verdict 6"},
		"verdict below the range":  {func(context.Context, api.File) api.Result { return api.Result{Verdict: -1} }, failed("unknown verdict"), "unknown verdict -1"},
		"a panic fails the scan":   {func(context.Context, api.File) api.Result { panic("scan") }, failed("internal error of the plugin"), "panicked: scan"},
		"a bad address fails, too": {func(context.Context, api.File) api.Result { var p *api.Result; return *p }, failed("internal error of the plugin"), "nil pointer"},
	} {
		for mode, inline := range modes {
			t.Run(name+"/"+mode, func(t *testing.T) {
				plugin := &fakePlugin{info: testInfo, scan: c.scan}
				plugin.info.Inline = inline
				_, thread, sink := open(t, plugin)
				for range 2 {
					assert.Equal(t, c.want, thread.Scan(api.File{Path: "f"}))
				}
				if c.log == "" {
					assert.Empty(t, sink.all())
				} else {
					assert.Contains(t, sink.all()[0], c.log)
				}
			})
		}
	}
}

func TestReasonOfAFailedScanIsInTheLogWhateverThePath(t *testing.T) {
	for mode, inline := range modes {
		t.Run(mode, func(t *testing.T) {
			plugin := &fakePlugin{info: testInfo, scan: func(context.Context, api.File) api.Result { panic(strings.Repeat("scan ", 400)) }}
			plugin.info.Inline = inline
			_, thread, sink := open(t, plugin)
			thread.Scan(api.File{Path: "/" + strings.Repeat("long/", 900) + "name"})
			assert.Contains(t, sink.all()[0], "long/name: the plugin panicked: scan scan")
			assert.Contains(t, sink.all()[0], "(at scan_test.go:")
		})
	}
}

func TestGoexitInAScanFailsItAndTheNextScanWorks(t *testing.T) {
	leave := true
	_, thread, sink := open(t, &fakePlugin{info: testInfo, scan: func(context.Context, api.File) api.Result {
		if leave {
			runtime.Goexit()
		}
		return api.Result{Verdict: api.OK}
	}})
	assert.Equal(t, api.Failed, thread.Scan(api.File{}).Verdict)
	assert.Contains(t, sink.all()[0], "runtime.Goexit")
	leave = false
	assert.Equal(t, api.OK, thread.Scan(api.File{}).Verdict)
}

func TestPanickedScannerIsReplaced(t *testing.T) {
	for mode, inline := range modes {
		t.Run(mode, func(t *testing.T) {
			closed := make(chan struct{}, 2)
			made := 0
			plugin := &fakePlugin{info: testInfo}
			plugin.info.Inline = inline
			plugin.scan = func(context.Context, api.File) api.Result { panic("scan") }
			plugin.closeScan = func() error { closed <- struct{}{}; return nil }
			plugin.newScanner = func() (api.Scanner, error) { made++; return fakeScanner{plugin}, nil }
			_, thread, _ := open(t, plugin)
			thread.Scan(api.File{})
			<-closed
			plugin.scan = func(context.Context, api.File) api.Result { return api.Result{Verdict: api.OK} }
			assert.Equal(t, api.OK, thread.Scan(api.File{}).Verdict)
			assert.Equal(t, 2, made)
		})
	}
}

func TestContextEndsAtTheDeadline(t *testing.T) {
	for mode, inline := range modes {
		t.Run(mode, func(t *testing.T) {
			plugin := &fakePlugin{info: testInfo}
			plugin.info.Inline, plugin.info.ScanTimeout = inline, shortest
			begin := time.Now()
			plugin.scan = func(ctx context.Context, _ api.File) api.Result {
				deadline, set := ctx.Deadline()
				assert.True(t, set)
				assert.WithinDuration(t, begin.Add(plugin.info.ScanTimeout), deadline, time.Second)
				assert.NoError(t, ctx.Err())
				<-ctx.Done()
				assert.ErrorIs(t, ctx.Err(), context.DeadlineExceeded)
				return api.Result{Verdict: api.Impossible}
			}
			_, thread, _ := open(t, plugin)
			begin = time.Now()
			assert.Equal(t, api.Impossible, thread.Scan(api.File{}).Verdict)
			assert.Less(t, time.Since(begin), grace, "the plugin has obeyed its deadline")
		})
	}
}

func TestContextIsCancelledWhenItsScanIsOver(t *testing.T) {
	for mode, inline := range modes {
		t.Run(mode, func(t *testing.T) {
			var waited, unwaited context.Context
			plugin := &fakePlugin{info: testInfo}
			plugin.info.Inline = inline
			plugin.scan = func(ctx context.Context, file api.File) api.Result {
				if file.Path == "wait" {
					waited = ctx
					assert.NotNil(t, ctx.Done())
				} else {
					unwaited = ctx
				}
				return api.Result{Verdict: api.OK}
			}
			library, thread, _ := open(t, plugin)
			thread.Scan(api.File{Path: "wait"})
			thread.Scan(api.File{})
			<-waited.Done()
			<-unwaited.Done()
			assert.ErrorIs(t, waited.Err(), context.Canceled)
			assert.False(t, waited.(*scanContext).timer.Stop(), "the timer doesn't wait for the deadline")
			assert.ErrorIs(t, unwaited.Err(), context.Canceled)
			assert.Empty(t, library.run.Load().scans, "nothing is kept of a finished scan")
		})
	}
}

func TestCloseDuringScansEndsThem(t *testing.T) {
	for name, c := range map[string]struct {
		inline bool
		scan   func(context.Context, api.File) api.Result
	}{
		"inline, obeying":    {true, func(ctx context.Context, _ api.File) api.Result { <-ctx.Done(); return failed("cancelled") }},
		"inline, polling":    {true, func(ctx context.Context, _ api.File) api.Result { poll(ctx); return failed("cancelled") }},
		"goroutine, obeying": {false, func(ctx context.Context, _ api.File) api.Result { <-ctx.Done(); return failed("cancelled") }},
		"goroutine, hanging": {false, never},
	} {
		t.Run(name, func(t *testing.T) {
			scanning := make(chan struct{})
			plugin := &fakePlugin{info: testInfo}
			plugin.info.Inline = c.inline
			plugin.scan = func(ctx context.Context, file api.File) api.Result {
				close(scanning)
				return c.scan(ctx, file)
			}
			library, thread, _ := open(t, plugin)
			answer := make(chan api.Result, 1)
			go func() { answer <- thread.Scan(api.File{}) }()
			<-scanning
			assert.NoError(t, library.Close())
			assert.Equal(t, api.Failed, (<-answer).Verdict)
			assert.NoError(t, thread.Close())
		})
	}
}

func TestCloseDoesNotWaitLongForAScanThatHangs(t *testing.T) {
	scanning := make(chan struct{})
	library, thread, _ := open(t, &fakePlugin{info: testInfo, scan: func(context.Context, api.File) api.Result {
		close(scanning)
		select {}
	}})
	go thread.Scan(api.File{})
	<-scanning
	begin := time.Now()
	assert.NoError(t, library.Close())
	assert.Less(t, time.Since(begin), 2*grace*9/10)
}

func poll(ctx context.Context) {
	for ctx.Err() == nil {
		runtime.Gosched()
	}
}

func TestSecondScanOnABusyThreadIsRefusedAtOnce(t *testing.T) {
	for mode, inline := range modes {
		t.Run(mode, func(t *testing.T) {
			plugin := &fakePlugin{info: testInfo}
			plugin.info.Inline = inline
			var thread *Thread
			var inner api.Result
			plugin.scan = func(context.Context, api.File) api.Result {
				inner = thread.Scan(api.File{}) // as a host does that calls from its log callback
				return api.Result{Verdict: api.OK}
			}
			_, thread, _ = open(t, plugin)
			assert.Equal(t, api.OK, thread.Scan(api.File{}).Verdict)
			assert.Equal(t, api.Failed, inner.Verdict)
		})
	}
}

func TestThreadsComeScanGoAndLeaveNothing(t *testing.T) {
	for mode, inline := range modes {
		t.Run(mode, func(t *testing.T) {
			plugin := &fakePlugin{info: testInfo, scan: func(context.Context, api.File) api.Result { return api.Result{Verdict: api.OK} }}
			plugin.info.Inline = inline
			library, _, _ := open(t, plugin)
			before := runtime.NumGoroutine()
			var group sync.WaitGroup
			for range 100 {
				group.Add(1)
				go func() {
					defer group.Done()
					thread, err := library.NewThread()
					if assert.NoError(t, err) {
						assert.Equal(t, api.OK, thread.Scan(api.File{}).Verdict)
						assert.NoError(t, thread.Close())
						assert.NoError(t, thread.Close(), "a second close does nothing")
					}
				}()
			}
			group.Wait()
			assert.Len(t, library.run.Load().threads, 1)
			assert.Eventually(t, func() bool { return runtime.NumGoroutine() < before+10 }, 10*time.Second, time.Millisecond)
		})
	}
}

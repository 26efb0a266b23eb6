package lifecycle

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
)

func TestHungScanIsLeftBehindAndTheThreadGoesOn(t *testing.T) {
	release, closed := make(chan struct{}), make(chan struct{}, 2)
	plugin := &fakePlugin{info: testInfo}
	plugin.info.ScanTimeout = shortest
	plugin.scan = func(_ context.Context, file api.File) api.Result {
		if file.Path == "hang" {
			<-release
		}
		return api.Result{Verdict: api.OK}
	}
	plugin.closeScan = func() error { closed <- struct{}{}; return nil }
	library, thread, sink := open(t, plugin)
	assert.Equal(t, api.Failed, thread.Scan(api.File{Path: "hang"}).Verdict)
	assert.Contains(t, sink.all()[0], "scan of hang: the plugin has not answered in time")
	assert.Equal(t, api.OK, thread.Scan(api.File{}).Verdict)
	assert.EqualValues(t, 1, library.abandoned.Load())
	close(release)
	<-closed
	assert.Eventually(t, func() bool { return library.abandoned.Load() == 0 }, 10*time.Second, time.Millisecond)
}

// Margins are wide, because the machine may be busy, and narrower than what is
// measured, so that twice the time is too much.
func TestHungScanIsAnsweredAfterItsTimeoutAndTheGrace(t *testing.T) {
	for name, timeout := range map[string]time.Duration{"short": shortest, "long": 4 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plugin := &fakePlugin{info: testInfo, scan: never}
			plugin.info.ScanTimeout = timeout
			_, thread, _ := open(t, plugin)
			begin := time.Now()
			assert.Equal(t, api.Failed, thread.Scan(api.File{Path: "hang"}).Verdict)
			took := time.Since(begin)
			assert.GreaterOrEqual(t, took, timeout+grace)
			assert.Less(t, took, timeout+grace+max(timeout, grace)*9/10)
		})
	}
}

func TestTooManyHungScansRefuseMore(t *testing.T) {
	plugin := &fakePlugin{info: testInfo, scan: never}
	plugin.info.ScanTimeout = shortest
	library, first, sink := open(t, plugin)
	var group sync.WaitGroup
	for range maxAbandoned {
		thread, err := library.NewThread()
		require.NoError(t, err)
		group.Add(1)
		go func() {
			defer group.Done()
			assert.Equal(t, api.Failed, thread.Scan(api.File{Path: "hang"}).Verdict)
			_ = thread.Close()
		}()
	}
	group.Wait()
	_, err := library.NewThread()
	assert.ErrorContains(t, err, "calls into the plugin hang")
	assert.Equal(t, api.Failed, first.Scan(api.File{}).Verdict, "one that has its scanner may still try")
	logged := len(sink.all())
	assert.Equal(t, api.Failed, first.Scan(api.File{Path: "x"}).Verdict)
	assert.Contains(t, sink.all()[logged], "scan of x: 33 calls into the plugin hang")
}

func TestHungNewScannersCountAsHungCalls(t *testing.T) {
	for mode, inline := range modes {
		t.Run(mode, func(t *testing.T) {
			release := make(chan struct{})
			plugin := &fakePlugin{info: testInfo}
			plugin.info.Inline, plugin.info.ScanTimeout = inline, time.Millisecond
			plugin.newScanner = func() (api.Scanner, error) { <-release; return fakeScanner{plugin}, nil }
			library := New(plugin)
			require.NoError(t, library.Init(&fakeSink{}))
			for range maxAbandoned {
				_, err := library.NewThread()
				assert.ErrorContains(t, err, "has not answered")
			}
			_, err := library.NewThread()
			assert.ErrorContains(t, err, "32 calls into the plugin hang")
			close(release)
			assert.Eventually(t, func() bool { return library.abandoned.Load() == 0 }, 10*time.Second, time.Millisecond)
		})
	}
}

func TestScannerCloseThatHangsAfterAPanicCountsAsAHungCall(t *testing.T) {
	release := make(chan struct{})
	plugin := &fakePlugin{info: testInfo, scan: func(context.Context, api.File) api.Result { panic("scan") }}
	plugin.closeScan = func() error { <-release; return nil }
	library, thread, _ := open(t, plugin)
	for range maxAbandoned {
		assert.Equal(t, "internal error of the plugin", thread.Scan(api.File{}).Text)
	}
	assert.Contains(t, thread.Scan(api.File{}).Text, "32 calls into the plugin hang")
	close(release)
	assert.Eventually(t, func() bool { return library.abandoned.Load() == 0 }, 10*time.Second, time.Millisecond)
}

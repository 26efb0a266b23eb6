package lifecycle

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
)

func TestPluginThatCanNotBeUsedSaysWhyAtInit(t *testing.T) {
	plugin := &fakePlugin{info: testInfo}
	for name, c := range map[string]struct {
		library *Library
		want    string
	}{
		"none registered": {New(nil), "no plugin is registered"},
		"two registered":  {Broken(errors.New("two plugins")), "two plugins"},
		"invalid info":    {New(&fakePlugin{info: api.NewInfo("x", "")}), "begin it with avir_"},
		"panic in Info":   {New(badInfo{plugin, func() { panic("info") }}), "Info panicked: info"},
		"Goexit in Info":  {New(badInfo{plugin, runtime.Goexit}), "Info left its goroutine"},
		"hang in Info":    {New(badInfo{plugin, func() { select {} }}), "Info has not answered within 5s"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.ErrorContains(t, c.library.Init(&fakeSink{}), c.want)
			assert.Contains(t, c.library.LastError(), c.want)
			_, err := c.library.NewThread()
			assert.Error(t, err)
			assert.NoError(t, c.library.Close())
		})
	}
}

// badInfo does something else before it tells about itself.
type badInfo struct {
	*fakePlugin
	first func()
}

func (p badInfo) Info() api.Info {
	p.first()
	return p.info
}

func TestOptionsSetBeforeInitReachIt(t *testing.T) {
	var got string
	plugin := &fakePlugin{info: testInfo, init: func(cfg api.Config, _ *api.Logger) error {
		got = cfg.Get("Mode")
		return nil
	}}
	library := New(plugin)
	assert.True(t, library.Set("MODE", "fast"))
	assert.False(t, library.Set("Unknown", "x"))
	require.NoError(t, library.Init(&fakeSink{}))
	assert.Equal(t, "fast", got)
	assert.Equal(t, []api.Setting{{Name: "Mode", Value: "fast"}}, library.Config().Settings())
}

func TestInitFailsAsThePluginDoesAndCanBeRepeated(t *testing.T) {
	for name, c := range map[string]struct {
		init func(api.Config, *api.Logger) error
		want string
	}{
		"error":  {func(api.Config, *api.Logger) error { return errors.New("no clamd") }, "no clamd"},
		"panic":  {func(api.Config, *api.Logger) error { panic("init") }, "Init panicked: init"},
		"Goexit": {func(api.Config, *api.Logger) error { runtime.Goexit(); return nil }, "runtime.Goexit"},
	} {
		t.Run(name, func(t *testing.T) {
			plugin, sink := &fakePlugin{info: testInfo, init: c.init}, &fakeSink{}
			library := New(plugin)
			assert.ErrorContains(t, library.Init(sink), c.want)
			assert.Contains(t, library.LastError(), c.want)
			assert.False(t, sink.open, "the log is closed after a failed init")
			plugin.init = nil
			assert.NoError(t, library.Init(sink))
			assert.Empty(t, library.LastError())
			assert.NoError(t, library.Init(sink), "a second init changes nothing")
			assert.NoError(t, library.Close())
		})
	}
}

func TestOptionsThatARunningPluginDoesNotGetAreLogged(t *testing.T) {
	sink := &fakeSink{}
	library := New(&fakePlugin{info: testInfo})
	require.NoError(t, library.Init(sink))
	library.Set("mode", "good")
	require.NoError(t, library.Init(sink))
	assert.Empty(t, sink.all(), "nothing is new")
	library.Set("mode", "fast")
	require.NoError(t, library.Init(sink))
	assert.Equal(t, []string{"WRN: init of a running plugin: the new options wait for a close and an init"}, sink.all())
}

func TestInitDuringInitIsRefused(t *testing.T) {
	plugin := &fakePlugin{info: testInfo}
	library := New(plugin)
	var inner error
	plugin.init = func(api.Config, *api.Logger) error {
		inner = library.Init(&fakeSink{})
		return nil
	}
	require.NoError(t, library.Init(&fakeSink{}))
	assert.ErrorContains(t, inner, "still running")
}

func TestCloseClosesScannersBeforeThePluginAndEndsTheLog(t *testing.T) {
	for name, inline := range map[string]bool{"inline": true, "goroutine": false} {
		t.Run(name, func(t *testing.T) {
			var order []string
			var log *api.Logger
			plugin, sink := &fakePlugin{info: testInfo}, &fakeSink{}
			plugin.info.Inline = inline
			plugin.init = func(_ api.Config, l *api.Logger) error { log = l; return nil }
			plugin.closeScan = func() error { order = append(order, "scanner"); return nil }
			plugin.close = func() error {
				order = append(order, "plugin")
				log.Debugf("last words")
				return errors.New("not quite")
			}
			library := New(plugin)
			require.NoError(t, library.Init(sink))
			thread, err := library.NewThread()
			require.NoError(t, err)
			assert.ErrorContains(t, library.Close(), "not quite")
			log.Errorf("too late")
			assert.Equal(t, []string{"scanner", "plugin"}, order)
			assert.Equal(t, []string{"External_plugin: last words"}, sink.all())
			assert.Equal(t, api.Failed, thread.Scan(api.File{Path: "x"}).Verdict)
			assert.NoError(t, thread.Close(), "the host may close a thread later than the plugin")
			assert.Equal(t, []string{"scanner", "plugin"}, order, "no scanner is closed twice")
		})
	}
}

func TestPluginIsClosedAfterASlowScannerClose(t *testing.T) {
	for mode, inline := range modes {
		for name, begin := range map[string]func(*Thread) error{
			"by the library": func(*Thread) error { return nil },
			"by its thread":  (*Thread).Close,
		} {
			t.Run(mode+"/"+name, func(t *testing.T) {
				t.Parallel()
				closing := make(chan struct{})
				var scannerClosed, closedTooEarly atomic.Bool
				plugin := &fakePlugin{info: testInfo}
				plugin.info.Inline = inline
				plugin.closeScan = func() error {
					close(closing)
					time.Sleep(2 * grace) // an engine that takes longer than a scan may
					scannerClosed.Store(true)
					return nil
				}
				plugin.close = func() error { closedTooEarly.Store(!scannerClosed.Load()); return nil }
				library, thread, _ := open(t, plugin)
				ended := make(chan error, 1)
				go func() { ended <- begin(thread) }()
				if name == "by its thread" {
					<-closing
				}
				assert.NoError(t, library.Close())
				assert.False(t, closedTooEarly.Load())
				assert.True(t, scannerClosed.Load())
				assert.NoError(t, <-ended)
			})
		}
	}
}

func TestNewScannerFailuresAreReported(t *testing.T) {
	for name, c := range map[string]struct {
		make func() (api.Scanner, error)
		want string
	}{
		"error":  {func() (api.Scanner, error) { return nil, errors.New("too many") }, "too many"},
		"panic":  {func() (api.Scanner, error) { panic("new") }, "NewScanner panicked: new"},
		"Goexit": {func() (api.Scanner, error) { runtime.Goexit(); return nil, nil }, "runtime.Goexit"},
		"nil":    {func() (api.Scanner, error) { return nil, nil }, "returned no scanner"},
	} {
		for mode, inline := range map[string]bool{"inline": true, "goroutine": false} {
			t.Run(name+"/"+mode, func(t *testing.T) {
				plugin := &fakePlugin{info: testInfo, newScanner: c.make}
				plugin.info.Inline = inline
				library := New(plugin)
				require.NoError(t, library.Init(&fakeSink{}))
				_, err := library.NewThread()
				assert.ErrorContains(t, err, c.want)
				assert.Contains(t, library.LastError(), c.want)
				assert.NoError(t, library.Close())
			})
		}
	}
}

func never(context.Context, api.File) api.Result { select {} }

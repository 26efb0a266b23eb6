package lifecycle

import (
	"context"
	"testing"

	"github.com/avirkit/avirkit/api"
	"github.com/stretchr/testify/require"
)

// BenchmarkScan measures what a scan costs without C, for both kinds of
// scanner.
func BenchmarkScan(b *testing.B) {
	for _, inline := range []bool{true, false} {
		b.Run(map[bool]string{true: "inline", false: "goroutine"}[inline], func(b *testing.B) {
			plugin := &fakePlugin{info: testInfo}
			plugin.info.Inline = inline
			plugin.scan = func(context.Context, api.File) api.Result { return api.Result{Verdict: api.OK} }
			library := New(plugin)
			require.NoError(b, library.Init(&fakeSink{}))
			thread, err := library.NewThread()
			require.NoError(b, err)
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				thread.Scan(api.File{Path: "noop"})
			}
		})
	}
}

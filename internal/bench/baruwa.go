package bench

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/baruwa-enterprise/clamd"
	"golang.org/x/sync/errgroup"
)

// baruwa measures a clamd client in Go in this process: InStream over TCP and
// Fildes over a unix socket.
func baruwa(network, address string) func(context.Context, load) (sample, error) {
	return func(ctx context.Context, l load) (sample, error) {
		times := make([]time.Duration, l.count)
		var next atomic.Int64
		threads, ctx := errgroup.WithContext(ctx)
		begin := time.Now()
		for range l.threads {
			threads.Go(func() error {
				client, err := clamd.NewClient(network, address)
				if err != nil {
					return err
				}
				scan := client.InStream
				if network == "unix" {
					scan = client.Fildes
				}
				for i := next.Add(1) - 1; i < int64(l.count); i = next.Add(1) - 1 {
					start := time.Now()
					replies, err := scan(ctx, l.path)
					if err == nil && len(replies) != 1 {
						err = fmt.Errorf("%d replies", len(replies))
					}
					if err != nil {
						return err
					}
					times[i] = time.Since(start)
				}
				return nil
			})
		}
		err := threads.Wait()
		s := sample{total: time.Since(begin)}
		slices.Sort(times)
		s.p50, s.p99 = times[l.count/2], times[l.count*99/100]
		return s, err
	}
}

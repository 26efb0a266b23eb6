package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	baruwaclamd "github.com/baruwa-enterprise/clamd"
	dutch "github.com/dutchcoders/go-clamd"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/clamd"
)

// scanFunc scans one file and returns an error if there is no verdict.
type scanFunc func(ctx context.Context, path string) error

// within measures Go clients in this process. open makes what each thread
// scans with.
func within(ctx context.Context, l load, open func() (scanFunc, error)) (sample, error) {
	scans := make([]scanFunc, l.threads)
	for i := range scans {
		var err error
		if scans[i], err = open(); err != nil {
			return sample{}, err
		}
		if err := scans[i](ctx, l.path); err != nil { // warm up
			return sample{}, err
		}
	}
	times := make([]time.Duration, l.count)
	errs := make([]error, l.threads)
	var next atomic.Int64
	var threads sync.WaitGroup
	cpu, alloc, begin := cpuTime(), allocated(), time.Now()
	for t, scan := range scans {
		threads.Go(func() {
			for i := next.Add(1) - 1; i < int64(l.count) && ctx.Err() == nil; i = next.Add(1) - 1 {
				start := time.Now()
				if err := scan(ctx, l.path); err != nil {
					errs[t] = err
					return
				}
				times[i] = time.Since(start)
			}
		})
	}
	threads.Wait()
	s := sample{total: time.Since(begin), cpu: cpuTime() - cpu, alloc: float64(allocated()-alloc) / float64(l.count)}
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		return sample{}, err
	}
	slices.Sort(times)
	s.p50, s.p99 = times[l.count/2], times[l.count*99/100]
	return s, nil
}

// cpuTime is what this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// allocated is what this process has allocated.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// ourPackage is the plugin's scan path without the host, as a 64-bit program.
// It tells what the library can't: the bytes that a scan allocates.
func ourPackage(address string) func(context.Context, load) (sample, error) {
	return func(ctx context.Context, l load) (sample, error) {
		servers, err := clamd.ParseAddresses(address, 3310)
		if err != nil {
			return sample{}, err
		}
		c := clamd.New(clamd.Config{
			Servers: servers, Mode: clamd.Auto, StartupTimeout: 30 * time.Second, ScanTimeout: 2 * time.Minute,
			MaxFileSize: 200 << 20, OnLimit: api.Impossible, OnEncrypted: api.Impossible, Log: api.NewLogger(func(string) {}),
		})
		if err := c.Start(); err != nil {
			return sample{}, err
		}
		defer c.Close()
		return within(ctx, l, func() (scanFunc, error) {
			s := c.NewScanner()
			return func(ctx context.Context, path string) error {
				r := s.Scan(ctx, api.File{Path: path})
				if r.Verdict != api.OK && r.Verdict != api.VirusFound {
					return fmt.Errorf("%v: %s", r.Verdict, r.Text)
				}
				return nil
			}, nil
		})
	}
}

// baruwa is InStream over TCP and Fildes over a unix socket.
func baruwa(network, address string) func(context.Context, load) (sample, error) {
	return func(ctx context.Context, l load) (sample, error) {
		return within(ctx, l, func() (scanFunc, error) {
			client, err := baruwaclamd.NewClient(network, address)
			if err != nil {
				return nil, err
			}
			scan := client.InStream
			if network == "unix" {
				scan = client.Fildes
			}
			return func(ctx context.Context, path string) error {
				replies, err := scan(ctx, path)
				if err == nil && len(replies) != 1 {
					err = fmt.Errorf("%d replies", len(replies))
				}
				return err
			}, nil
		})
	}
}

func dutchcoders(address string) func(context.Context, load) (sample, error) {
	return func(ctx context.Context, l load) (sample, error) {
		return within(ctx, l, func() (scanFunc, error) {
			client := dutch.NewClamd(address)
			return func(_ context.Context, path string) error {
				f, err := os.Open(path)
				if err != nil {
					return err
				}
				defer f.Close()
				abort := make(chan bool)
				defer close(abort)
				replies, err := client.ScanStream(f, abort)
				if err != nil {
					return err
				}
				verdict := ""
				for r := range replies {
					verdict = r.Status
				}
				if verdict != dutch.RES_OK && verdict != dutch.RES_FOUND {
					return fmt.Errorf("answered %q", verdict)
				}
				return nil
			}, nil
		})
	}
}

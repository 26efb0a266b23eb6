package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/run"
)

// baselineAt runs the baseline client against a port of 127.0.0.1 or a unix
// socket.
func (b *bench) baselineAt(address string) func(context.Context, load) (sample, error) {
	return func(ctx context.Context, l load) (sample, error) {
		out, err := run.Command{Name: b.baseline, Args: []string{address, strconv.Itoa(l.threads), strconv.Itoa(l.count),
			strconv.FormatInt(l.pause.Milliseconds(), 10), l.path}}.Run(ctx)
		if err != nil {
			return sample{}, err
		}
		s := sample{}
		if _, err = fmt.Sscan(out, (*int64)(&s.total), (*int64)(&s.p50), (*int64)(&s.p99), (*int64)(&s.cpu)); err != nil {
			return sample{}, fmt.Errorf("read %q: %w", out, err)
		}
		return s, nil
	}
}

// plugin scans with a platform's library in that platform's host, which takes
// the times.
func (b *bench) plugin(p *platform.Platform, setting string) func(context.Context, load) (sample, error) {
	return func(ctx context.Context, l load) (sample, error) {
		args := []string{"--threads", strconv.Itoa(l.threads), "--count", strconv.Itoa(l.count), "--file", l.path, "--limit", "2m"}
		if l.pause > 0 {
			args = append(args, "--pause", l.pause.String())
		}
		library := library{name: "avir_clam", path: b.dist(p, "avir_clam.so"), set: []string{setting, "MaxFileSize=200M"}}
		var c callCost
		if err := b.harness(ctx, library, &c, "bench", args...); err != nil {
			return sample{}, err
		}
		if c.PerSecond <= 0 {
			return sample{}, errors.New("the harness measured nothing")
		}
		return sample{
			total: time.Duration(float64(l.count) / c.PerSecond * 1e9),
			p50:   time.Duration(c.P50), p99: time.Duration(c.P99),
			cpu: time.Duration(c.CPU * float64(l.count)),
		}, nil
	}
}

// dist is the path of a file of a platform's build.
func (b *bench) dist(p *platform.Platform, name string) string {
	return filepath.Join(b.Root, "dist", p.Name, name)
}

// clamdscan gives Debian's client a list that names the file once for each
// scan; as many of it as there are threads run at once.
func (b *bench) clamdscan(mode, config string) func(context.Context, load) (sample, error) {
	return func(ctx context.Context, l load) (sample, error) {
		conf, list := filepath.Join(b.dir, "clamdscan.conf"), filepath.Join(b.dir, "list")
		if err := errors.Join(os.WriteFile(conf, []byte(config), 0o644),
			os.WriteFile(list, []byte(strings.Repeat(l.path+"\n", l.count/l.threads)), 0o644)); err != nil {
			return sample{}, err
		}
		var cpu atomic.Int64
		var processes errgroup.Group
		begin := time.Now()
		for range l.threads {
			processes.Go(func() error {
				cmd := run.Command{Name: "clamdscan", Args: []string{mode, "--no-summary", "--config-file=" + conf, "--file-list=" + list}}.Cmd(ctx)
				err := cmd.Run()
				if err != nil && cmd.ProcessState.ExitCode() != 1 { // 1 tells of a virus
					return fmt.Errorf("clamdscan: %w", err)
				}
				cpu.Add(int64(cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()))
				return nil
			})
		}
		err := processes.Wait()
		return sample{total: time.Since(begin), cpu: time.Duration(cpu.Load())}, err
	}
}

package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/avirkit/avirkit/internal/run"
)

// compileLimit compiles limit.c with the machine's own compiler.
func compileLimit(ctx context.Context, root, to string) error {
	_, err := run.Command{
		Name: "gcc",
		Args: []string{"-O2", "-pthread", "-o", to, filepath.Join(root, "internal/bench/limit/limit.c")},
		Hint: "install gcc",
	}.Run(ctx)
	return err
}

// limitAt runs the C program against a port of 127.0.0.1 or a unix socket.
func (b *bench) limitAt(address string) func(context.Context, load) (sample, error) {
	return func(ctx context.Context, l load) (sample, error) {
		out, err := run.Command{Name: b.limit, Args: []string{address, strconv.Itoa(l.threads), strconv.Itoa(l.count), l.path}}.Run(ctx)
		if err != nil {
			return sample{}, err
		}
		s := sample{alloc: -1}
		_, err = fmt.Sscan(out, (*int64)(&s.total), (*int64)(&s.p50), (*int64)(&s.p99), (*int64)(&s.cpu))
		if err != nil {
			return sample{}, fmt.Errorf("read %q: %w", out, err)
		}
		return s, nil
	}
}

// plugin scans with the library in the i386 host, which takes the times.
func (b *bench) plugin(setting string) func(context.Context, load) (sample, error) {
	return func(ctx context.Context, l load) (sample, error) {
		out, err := run.Command{
			Name: filepath.Join(b.Root, "dist/linux-amd64/harness"),
			Args: []string{"bench", "--plugin", filepath.Join(b.Root, "dist/linux-386/avir_clam.so"),
				"--set", setting, "--set", "MaxFileSize=200M", "--limit", "2m", "--json", "-",
				"--threads", strconv.Itoa(l.threads), "--count", strconv.Itoa(l.count), "--file", l.path},
			Hint: "go tool mage build",
		}.Run(ctx)
		if err != nil {
			return sample{}, err
		}
		var row struct {
			P50       float64 `json:"p50Ns"`
			P99       float64 `json:"p99Ns"`
			CPU       float64 `json:"cpuNs"`
			PerSecond float64 `json:"scansPerSecond"`
		}
		if err := json.Unmarshal([]byte(out), &row); err != nil {
			return sample{}, fmt.Errorf("read the harness's report: %w", err)
		}
		if row.PerSecond <= 0 {
			return sample{}, errors.New("the harness measured nothing")
		}
		return sample{
			total: time.Duration(float64(l.count) / row.PerSecond * 1e9),
			p50:   time.Duration(row.P50), p99: time.Duration(row.P99),
			cpu:   time.Duration(row.CPU * float64(l.count)),
			alloc: -1,
		}, nil
	}
}

// clamdscan gives Debian's client a list that names the file once for each
// scan; as many of it as there are threads run at once.
func clamdscan(mode, config string) func(context.Context, load) (sample, error) {
	return func(ctx context.Context, l load) (sample, error) {
		conf, list := filepath.Join(l.dir, "clamdscan.conf"), filepath.Join(l.dir, "list")
		if err := os.WriteFile(conf, []byte(config), 0o644); err != nil {
			return sample{}, err
		}
		each := (l.count + l.threads - 1) / l.threads
		if err := os.WriteFile(list, []byte(strings.Repeat(l.path+"\n", each)), 0o644); err != nil {
			return sample{}, err
		}
		cmds := make([]*exec.Cmd, l.threads)
		begin := time.Now()
		for i := range cmds {
			cmds[i] = exec.CommandContext(ctx, "clamdscan", mode, "--no-summary", "--config-file="+conf, "--file-list="+list)
			if err := cmds[i].Start(); err != nil {
				return sample{}, errors.Join(err, waitAll(cmds[:i]))
			}
		}
		if err := waitAll(cmds); err != nil {
			return sample{}, err
		}
		s := sample{total: time.Since(begin), alloc: -1}
		for _, cmd := range cmds {
			s.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		}
		// The last process rounds up; what is compared is a scan.
		share := float64(l.count) / float64(each*l.threads)
		s.total, s.cpu = time.Duration(float64(s.total)*share), time.Duration(float64(s.cpu)*share)
		return s, nil
	}
}

// waitAll waits for clamdscan, which says by 1 that it found a virus.
func waitAll(cmds []*exec.Cmd) error {
	var errs []error
	for _, cmd := range cmds {
		err := cmd.Wait()
		if exit := new(exec.ExitError); errors.As(err, &exit) && exit.ExitCode() == 1 {
			err = nil
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("clamdscan: %w", err))
		}
	}
	return errors.Join(errs...)
}

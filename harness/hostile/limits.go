package hostile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/samples"
)

var limitChecks = []Check{
	{"address-space", "ran with ulimit -v of several sizes",
		"the plugin works, or it or a thread is refused; from 600 MB on (64-bit: 2 GB) it works, and no limit ends the host", "reserve little address space: cap the stacks of your own threads, and fail plugin_init instead of aborting", checkAddressSpace},
	{"process-limit", "ran with ulimit -u that leaves 32 threads",
		"the plugin works", "start few threads (GOMAXPROCS 2 to 4), and treat a thread that can't be made as an error", checkProcessLimit},
	{"stack-limit", "ran with ulimit -s of 128 KB, 1 MB, 100 MB and unlimited, in an address space of 3 GB",
		"the plugin works", "set the stack size of your own threads instead of taking the default", checkStackLimit},
	{"environment", "ran with poisoned environments: garbage for runtimes and locales, no variable at all, one of 100 KB",
		"the plugin works", "do not let the environment steer the library; what a runtime reads before main must be removed by a constructor", checkEnvironment},
	{"kernel-floor", "ran with all system calls newer than Linux 2.6.32 answering ENOSYS, or on such a kernel",
		"right verdicts", "build with a Go (go1.23) or C library that falls back on older system calls", checkKernelFloor},
}

// worksOrRefuses runs the plugin's ordinary life. refused says that the
// error was a refusal, of the plugin to start or to scan or of the host to make
// a thread, which is fair under a limit; a crash or a hang is not.
func (e *env) worksOrRefuses(ctx context.Context, args ...string) (refused bool, err error) {
	defer func() {
		var r *host.Refused
		refused = errors.As(err, &r)
		err = ofMachine(err)
	}()
	h, err := e.working(ctx, args...)
	if err != nil {
		return false, err
	}
	defer e.done(h)
	err = e.eicarFound(h)
	if host.IsFatal(err) {
		return false, err
	}
	if finished := e.Finish(h); finished != nil {
		err = finished
	}
	return false, err
}

// ofMachine turns the host's refusal of an option into what it says about this
// machine, and leaves other errors alone.
func ofMachine(err error) error {
	var died *host.Died
	if errors.As(err, &died) && died.RefusedOption() {
		return notApplicable("this machine does not allow it: " + died.Stderr)
	}
	return err
}

func checkAddressSpace(ctx context.Context, e *env) (string, error) {
	platform, err := host.PlatformOfFile(e.Plugin)
	if err != nil {
		return "", err
	}
	var p problems
	var works, refuses []string
	for _, mb := range platform.AddressSpaces {
		size := strconv.Itoa(mb)
		refused, err := e.worksOrRefuses(ctx, "--limit", "as="+size)
		var na notApplicable
		switch {
		case err == nil:
			works = append(works, size)
		case errors.As(err, &na):
			return "", err
		case refused && mb < platform.Enough:
			refuses = append(refuses, size)
		default:
			p.add("ulimit -v %d MB: %v", mb, err)
		}
	}
	saw := "works with " + strings.Join(works, ", ") + " MB"
	if len(refuses) > 0 {
		saw += ", refuses with " + strings.Join(refuses, ", ")
	}
	return saw, p.err()
}

// spareThreads is what a plugin may add to the host's own few threads.
const spareThreads = 32

func checkProcessLimit(ctx context.Context, e *env) (string, error) {
	tries := 1
	if os.Getuid() != 0 {
		tries = 3 // the user's other programs start and end as they like
	}
	var err error
	for range tries {
		var args []string
		if args, err = processLimit(); err != nil {
			return "", err
		}
		_, err = e.worksOrRefuses(ctx, args...)
		var na notApplicable
		if err == nil || errors.As(err, &na) || ctx.Err() != nil {
			break
		}
	}
	return fmt.Sprintf("%d threads were enough", spareThreads), err
}

// processLimit returns the options of a host that can make so many threads.
func processLimit() ([]string, error) {
	if os.Getuid() == 0 {
		// A user who runs nothing else; the numbers are beyond what systems give out.
		user := 3_000_000 + os.Getpid()%1_000_000
		return []string{"--limit", "nproc=" + strconv.Itoa(spareThreads), "--real-user", strconv.Itoa(user)}, nil
	}
	running, err := threadsOf(os.Getuid())
	if err != nil {
		return nil, notApplicable(fmt.Sprintf("can't count the user's threads: %v", err))
	}
	return []string{"--limit", "nproc=" + strconv.Itoa(running+spareThreads)}, nil
}

// threadsOf counts the threads that the kernel charges to a user.
func threadsOf(uid int) (int, error) {
	tasks, err := filepath.Glob("/proc/[0-9]*/task/[0-9]*/status")
	if err != nil {
		return 0, err
	}
	n := 0
	for _, path := range tasks {
		data, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(data), fmt.Sprintf("\nUid:\t%d\t", uid)) {
			n++
		}
	}
	return n, nil
}

func checkStackLimit(ctx context.Context, e *env) (string, error) {
	var p problems
	var refused error
	sizes := []string{"128", "1024", "102400", "unlimited"}
	for _, size := range sizes {
		// A 32-bit process has no more anyway, and in 64 bits no stack is too large.
		_, err := e.worksOrRefuses(ctx, "--limit", "stack="+size, "--limit", "as=3000")
		var na notApplicable
		switch {
		case errors.As(err, &na):
			refused = err // a hard limit, which root alone lifts
		case err != nil:
			p.add("ulimit -s %s: %v", size, err)
		}
	}
	if len(p) == 0 && refused != nil {
		return "", refused
	}
	return "works with " + strings.Join(sizes, ", "), p.err()
}

func checkEnvironment(ctx context.Context, e *env) (string, error) {
	var p problems
	poisons := [][]string{
		{"GOMEMLIMIT=garbage"}, {"GODEBUG=cgocheck=2"}, {"GODEBUG==,,x=y"}, {"GOGC=garbage"},
		{"GOMAXPROCS=64"}, {"GOMAXPROCS=garbage"}, {"GOTRACEBACK=crash"}, {"GORACE=halt_on_error=1"},
		{"MALLOC_ARENA_MAX=garbage", "LC_ALL=garbage", "LANG=\xff"},
		{"TMPDIR=/nonexisting", "HOME=/nonexisting", "PATH="},
		{"LARGE=" + strings.Repeat("x", 100_000)},
		{"no equals sign"},
		{},
	}
	for _, poison := range poisons {
		var env []string
		if len(poison) > 0 {
			env = append(host.Environment(), poison...)
		}
		if err := e.inEnvironment(ctx, env); err != nil {
			p.add("%s: %v", describePoison(poison), err)
		}
	}
	return fmt.Sprintf("works in %d environments", len(poisons)), p.err()
}

func describePoison(poison []string) string {
	if len(poison) == 0 {
		return "an empty environment"
	}
	text := strings.Join(poison, " ")
	return fmt.Sprintf("%q", text[:min(len(text), 60)])
}

func (e *env) inEnvironment(ctx context.Context, env []string) error {
	if env == nil {
		env = []string{} // nil would mean the harness's own
	}
	h, err := host.Start(ctx, e.Avserver, e.Args(), env)
	if err != nil {
		return err
	}
	defer e.done(h)
	if _, err := e.Begin(h); err != nil {
		return err
	}
	if err := e.StartWorkers(h, 2, 0); err != nil {
		return err
	}
	return e.eicarFound(h)
}

func checkKernelFloor(ctx context.Context, e *env) (string, error) {
	old := *e.Run
	old.KernelFloor = "2.6.32"
	floor := &env{Run: &old, dir: e.dir}
	defer func() { e.logs = floor.logs }()
	h, err := floor.working(ctx)
	if err != nil {
		return "", ofMachine(err)
	}
	defer floor.done(h)
	for _, s := range samples.All() {
		if err := floor.expect(h, e.Path(s.Name), s.Expect); err != nil {
			return "", err
		}
	}
	files := some(samples.Empty, samples.Eicar)
	pace, err := floor.pace(h, files...)
	if err != nil {
		return "", err
	}
	if err := floor.scanMany(h, 4, afford(1000, 10*time.Second, pace), pace, files...); err != nil {
		return "", err
	}
	if err := floor.Finish(h); err != nil {
		return "", err
	}
	if len(old.Args()) == 0 {
		return "right verdicts on this kernel, which has no newer system calls", nil
	}
	return "right verdicts without newer system calls", nil
}

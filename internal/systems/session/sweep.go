package session

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/avirkit/avirkit/internal/run"
)

// Alone fails if another process has a session in the cache. It ends what
// earlier runs have left there.
func Alone(ctx context.Context, cache string) error { return sweep(ctx, cache, true) }

// sweep ends what earlier runs have left in a cache: machines that were kept,
// and whatever remained where even the keeper was killed. It leaves alone the
// sessions of processes that live; with alone, there must be none but this one.
func sweep(ctx context.Context, cache string, alone bool) error {
	left, err := filepath.Glob(runDir(cache, "avirkit-*"))
	if err != nil {
		return err
	}
	for _, dir := range left {
		name := strings.TrimPrefix(filepath.Base(dir), "run-")
		pid := strings.Split(name, "-")[1]
		if number, err := strconv.Atoi(pid); err != nil || number == os.Getpid() {
			continue
		}
		if run.Exists("/proc/" + pid) {
			if alone {
				return fmt.Errorf("another run of this checkout uses %s: wait for the end of process %s", dir, pid)
			}
			continue
		}
		err := run.Step(ctx, "sweep up "+dir, nil, func(ctx context.Context) (string, error) {
			return "", sweepRun(ctx, dir, name)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func sweepRun(ctx context.Context, dir, name string) error {
	_ = os.Remove(filepath.Join(dir, "kept"))
	// A keeper that lives is about to remove the run by itself.
	for deadline := time.Now().Add(endLimit); keeperLives(dir); {
		if time.Now().After(deadline) {
			return fmt.Errorf("a keeper of %s still runs: end it", dir)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
	if !run.Exists(dir) {
		return nil
	}
	mode, err := os.ReadFile(filepath.Join(dir, "mode"))
	if err != nil || Mode(mode) == OwnLibvirt {
		mode = []byte(Plain) // the namespaces died with their processes; only files remain
	}
	script := filepath.Join(dir, "keeper.sh")
	if err := os.WriteFile(script, []byte(keeperScript), 0o644); err != nil {
		return fmt.Errorf("sweep up %s: %w", dir, err)
	}
	// Its standard input is empty, so it ends the run at once.
	_, err = run.Command{
		Name: "sh", Args: []string{script, string(mode), dir, name},
		Hint: "end by hand what is named above, then remove " + dir,
	}.Run(ctx)
	return err
}

// keeperLives says whether a process runs the keeper of a run's folder.
func keeperLives(dir string) bool {
	commands, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range commands {
		text, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(text), "\x00"+filepath.Join(dir, "keeper.sh")+"\x00") {
			return true
		}
	}
	return false
}

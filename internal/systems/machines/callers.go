package machines

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// errCallerGone is why a run ends whose caller was killed.
var errCallerGone = errors.New("mage was killed")

// watchCallers returns a context that ends when one of the programs that this
// one was started by is gone: "go tool mage" is three processes, and to kill
// the first or the second must end the third.
func watchCallers(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	callers := mageCallers(os.Getppid(), readStat)
	go func() {
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			for _, c := range callers {
				if now, err := readStat(c.pid); err != nil || now.start != c.start {
					cancel(errCallerGone)
					return
				}
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}

// process is what /proc says of one. A process id is used again; together
// with the time of its start it is not.
type process struct {
	pid, parent int
	name, start string
}

// mageCallers returns the unbroken line of mage and go processes above pid.
func mageCallers(pid int, stat func(int) (process, error)) []process {
	var found []process
	for pid > 1 && len(found) < 8 {
		p, err := stat(pid)
		if err != nil || p.name != "mage" && p.name != "go" {
			break
		}
		found = append(found, p)
		pid = p.parent
	}
	return found
}

// readStat reads /proc/PID/stat. A program's name stands in brackets and may
// hold any character.
func readStat(pid int) (process, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, err
	}
	open, end := strings.IndexByte(string(data), '('), strings.LastIndexByte(string(data), ')')
	if open < 0 || end < open {
		return process{}, fmt.Errorf("/proc/%d/stat: no name", pid)
	}
	fields := strings.Fields(string(data)[end+1:])
	if len(fields) < 20 {
		return process{}, fmt.Errorf("/proc/%d/stat: too short", pid)
	}
	if fields[0] == "Z" {
		return process{}, fmt.Errorf("process %d has ended", pid)
	}
	parent, err := strconv.Atoi(fields[1])
	return process{pid: pid, parent: parent, name: string(data)[open+1 : end], start: fields[19]}, err
}

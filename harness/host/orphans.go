package host

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// family is what this process knows of its children.
var family struct {
	sync.Mutex
	adopts bool
	hosts  map[int]bool // each avserver that has not been waited for
}

// Adopt makes this process the parent of what a host leaves behind, so that a
// daemon is found which has left its host's group and session. Only a program
// without children of its own may call it. Linux before 3.4 can't do it: there,
// only groups are looked at.
func Adopt() {
	const setChildSubreaper = 36
	_, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0)
	family.Lock()
	defer family.Unlock()
	family.adopts = errno == 0
}

// HasOrphans tells whether a process that avserver started still runs some time
// after avserver itself is gone. What was adopted has no name of its parent on
// it: ask while no other host runs.
func (h *Host) HasOrphans() bool {
	const grace = time.Second
	for end := time.Now().Add(grace); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if !groupRuns(h.Pid()) && len(orphans()) == 0 {
			return false
		}
	}
	return true
}

// process is what /proc tells of one.
type process struct {
	pid, parent, group int
	ended              bool // nobody has waited for it
}

func processes() (list []process) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, path := range stats {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		// The name before it, in parentheses, may hold anything.
		text := string(data)
		fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
		if len(fields) < 3 {
			continue
		}
		var p process
		p.pid, _ = strconv.Atoi(filepath.Base(filepath.Dir(path)))
		p.ended = fields[0] == "Z" || fields[0] == "X"
		p.parent, _ = strconv.Atoi(fields[1])
		p.group, _ = strconv.Atoi(fields[2])
		list = append(list, p)
	}
	return list
}

// groupRuns looks for a running process of the group. Signal 0 would also find
// those that have ended.
func groupRuns(group int) bool {
	for _, p := range processes() {
		if p.group == group && !p.ended {
			return true
		}
	}
	return false
}

// orphans returns the adopted processes that run, and waits for the others.
func orphans() (running []int) {
	family.Lock()
	defer family.Unlock()
	if !family.adopts {
		return nil
	}
	for _, p := range processes() {
		if p.parent != os.Getpid() || family.hosts[p.pid] {
			continue
		}
		if pid, _ := syscall.Wait4(p.pid, nil, syscall.WNOHANG, nil); pid != p.pid {
			running = append(running, p.pid)
		}
	}
	return running
}

// endOrphans kills what was adopted, when no host runs any more that it may
// belong to, and then what that leaves behind.
func endOrphans() {
	const patience = time.Second // a process that waits for a disk outlives its SIGKILL
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		family.Lock()
		others := len(family.hosts)
		family.Unlock()
		if others > 0 {
			return
		}
		left := orphans()
		if len(left) == 0 {
			return
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// start starts avserver and knows it from then on.
func (h *Host) start() error {
	family.Lock()
	defer family.Unlock()
	err := h.cmd.Start()
	if err == nil {
		if family.hosts == nil {
			family.hosts = map[int]bool{}
		}
		family.hosts[h.cmd.Process.Pid] = true
	}
	return err
}

func (h *Host) reap() {
	_ = h.cmd.Wait() // the state says it all
	family.Lock()
	defer family.Unlock()
	delete(family.hosts, h.cmd.Process.Pid)
}

package machine

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Process is a running program.
type Process struct {
	PID  int
	Name string // as the kernel has it: 15 bytes at most
	Exe  string // path of its file; "" if this user may not know
	User User
	RSS  uint64 // bytes of memory

	machine *Machine
}

// Processes returns the processes whose program has the given base name.
func (m *Machine) Processes(name string) []Process {
	var found []Process
	for _, dir := range m.Glob("/proc/[0-9]*") {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		p, ok := m.process(pid)
		if ok && (p.Name == name || filepath.Base(strings.TrimSuffix(p.Exe, deleted)) == name) {
			found = append(found, p)
		}
	}
	return found
}

// Blind tells why processes can't be seen, or "": then that one is missing means
// nothing.
func (m *Machine) Blind() string {
	switch {
	case !m.Exists("/proc/meminfo"):
		return "/proc is not mounted"
	case m.Root == "" && !m.Exists("/proc/1/status"):
		return "other users' processes are hidden, as by hidepid"
	}
	return ""
}

// deleted is what the kernel appends to the path of a file that is gone.
const deleted = " (deleted)"

func (m *Machine) process(pid int) (Process, bool) {
	p := Process{PID: pid, machine: m}
	status, err := m.ReadFile(p.path("status"))
	if err != nil {
		return p, false // it has ended
	}
	p.Exe, _ = os.Readlink(m.Path(p.path("exe")))
	for _, line := range strings.Split(string(status), "\n") {
		key, value, _ := strings.Cut(line, ":")
		fields := strings.Fields(value)
		if len(fields) == 0 {
			continue
		}
		first, _ := strconv.Atoi(fields[0])
		effective := first
		if len(fields) > 1 {
			if n, err := strconv.Atoi(fields[1]); err == nil {
				effective = n
			}
		}
		switch key {
		case "State":
			// It has ended, and its parent has not asked how: nothing runs.
			if fields[0] == "Z" || fields[0] == "X" {
				return p, false
			}
		case "Name":
			p.Name = strings.TrimSpace(value)
		case "Uid":
			p.User.UID = effective
		case "Gid":
			p.User.GID = effective
			p.User.Groups = append(p.User.Groups, effective)
		case "Groups":
			for _, f := range fields {
				if gid, err := strconv.Atoi(f); err == nil {
					p.User.Groups = append(p.User.Groups, gid)
				}
			}
		case "VmRSS":
			p.RSS = uint64(first) << 10
		}
	}
	if known, err := m.User(strconv.Itoa(p.User.UID)); err == nil {
		p.User.Name = known.Name
	}
	return p, true
}

// Arguments are those it was started with, its own name first.
func (p Process) Arguments() []string {
	text, _ := p.machine.ReadFile(p.path("cmdline"))
	return strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
}

// Started returns when it was started, or no time if that is not known.
func (p Process) Started() time.Time {
	const ticks = 100 // a second, on every Linux for x86
	stat, _ := p.machine.ReadFile(p.path("stat"))
	fields := strings.Fields(string(stat[1+strings.LastIndexByte(string(stat), ')'):])) // after the name
	if len(fields) < 20 {
		return time.Time{}
	}
	after, err := strconv.ParseInt(fields[19], 10, 64)
	if err != nil {
		return time.Time{}
	}
	system, _ := p.machine.ReadFile("/proc/stat")
	for _, line := range strings.Split(string(system), "\n") {
		if text, ok := strings.CutPrefix(line, "btime "); ok {
			boot, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
			if err == nil {
				return time.Unix(boot+after/ticks, 0)
			}
		}
	}
	return time.Time{}
}

func (p Process) path(name string) string { return fmt.Sprintf("/proc/%d/%s", p.PID, name) }

// Mapped is a library in a process's memory.
type Mapped struct {
	Path    string
	Inode   uint64
	Deleted bool // its file has been removed or replaced
}

// Libraries returns the files of the process's memory with the given ending.
func (p Process) Libraries(suffix string) ([]Mapped, error) {
	maps, err := p.machine.ReadFile(p.path("maps"))
	if err != nil {
		return nil, err
	}
	var found []Mapped
	seen := map[string]bool{}
	for _, line := range strings.Split(string(maps), "\n") {
		// address perms offset dev inode path
		fields := strings.Fields(line)
		at := strings.Index(line, "/")
		if len(fields) < 6 || at < 0 {
			continue
		}
		path, gone := strings.CutSuffix(line[at:], deleted)
		if !strings.HasSuffix(path, suffix) || seen[line[at:]] {
			continue
		}
		seen[line[at:]] = true
		inode, _ := strconv.ParseUint(fields[4], 10, 64)
		found = append(found, Mapped{path, inode, gone})
	}
	return found, nil
}

// Unlimited is the value of a limit that is none.
const Unlimited = ^uint64(0)

// Limit returns the soft limit of that name in /proc/PID/limits.
func (p Process) Limit(name string) (uint64, error) {
	limits, err := p.machine.ReadFile(p.path("limits"))
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(string(limits), "\n") {
		rest, ok := strings.CutPrefix(line, name)
		fields := strings.Fields(rest)
		if !ok || len(fields) < 2 {
			continue
		}
		if fields[0] == "unlimited" {
			return Unlimited, nil
		}
		return strconv.ParseUint(fields[0], 10, 64)
	}
	return 0, fmt.Errorf("%s has no line %q", p.path("limits"), name)
}

// AvailableMemory is what new programs can have without swapping.
func (m *Machine) AvailableMemory() (uint64, error) {
	info, err := m.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	var free uint64
	for _, line := range strings.Split(string(info), "\n") {
		key, value, _ := strings.Cut(line, ":")
		fields := strings.Fields(value)
		if len(fields) == 0 {
			continue
		}
		kib, _ := strconv.ParseUint(fields[0], 10, 64)
		switch key {
		case "MemAvailable": // Linux 3.14 and later
			return kib << 10, nil
		case "MemFree", "Buffers", "Cached":
			free += kib << 10
		}
	}
	return free, nil
}

// Package localclamd tells of a clamd that runs on this machine what decides
// whether its OK is worth anything: the room for its temporary files, its
// limits of descriptors and memory, and its settings. It reads what the kernel
// and clamd.conf tell, as far as this process may read them.
package localclamd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Process is a clamd that runs on this machine.
type Process struct {
	PID     int
	Config  Config
	TempDir string // where clamd puts its temporary files
	root    string // before each path of clamd's, as it may see other file systems
}

var (
	// ErrElsewhere says that the server runs on another machine.
	ErrElsewhere = errors.New("it runs on another machine")

	// ErrHidden says that no process of this machine is known to listen there,
	// or that this one may not look.
	ErrHidden = errors.New("no clamd of this machine can be seen to listen there")
)

// Find returns the clamd at the other end of a connected socket.
func Find(socket int) (*Process, error) {
	pid, err := listener(socket)
	if err != nil {
		return nil, err
	}
	p := &Process{PID: pid, root: p(pid, "root")}
	if _, err := os.Stat(p.root + "/."); err != nil {
		p.root = "" // another user's process: most see what we see
	}
	if p.Config, err = p.readConfig(); err != nil {
		return nil, fmt.Errorf("read the settings of process %d: %w", pid, err)
	}
	p.TempDir = p.tempDir()
	return p, nil
}

// p is the path of a file about a process.
func p(pid int, name string) string { return fmt.Sprintf("/proc/%d/%s", pid, name) }

// readConfig reads the clamd.conf that the process was started with.
func (c *Process) readConfig() (Config, error) {
	args, err := os.ReadFile(p(c.PID, "cmdline"))
	if err != nil {
		return Config{}, err
	}
	paths := []string{"/etc/clamav/clamd.conf", "/etc/clamd.d/scan.conf", "/etc/clamd.conf", "/usr/local/etc/clamd.conf"}
	if chosen := configOption(strings.Split(string(args), "\x00")); chosen != "" {
		if !filepath.IsAbs(chosen) {
			dir, err := os.Readlink(p(c.PID, "cwd"))
			if err != nil {
				return Config{}, err
			}
			chosen = filepath.Join(dir, chosen)
		}
		paths = []string{chosen}
	}
	var errs []error
	for _, path := range paths {
		text, err := os.ReadFile(c.root + path)
		if err == nil {
			return parseConfig(string(text)), nil
		}
		errs = append(errs, err)
	}
	return Config{}, errors.Join(errs...)
}

// configOption finds the configuration file among clamd's arguments.
func configOption(args []string) string {
	for i, arg := range args {
		switch {
		case strings.HasPrefix(arg, "--config-file="):
			return strings.TrimPrefix(arg, "--config-file=")
		case (arg == "--config-file" || arg == "-c") && i+1 < len(args):
			return args[i+1]
		case strings.HasPrefix(arg, "-c") && len(arg) > 2:
			return arg[2:]
		}
	}
	return ""
}

func (c *Process) tempDir() string {
	if c.Config.TemporaryDirectory != "" {
		return c.Config.TemporaryDirectory
	}
	environment, _ := os.ReadFile(p(c.PID, "environ"))
	for _, v := range strings.Split(string(environment), "\x00") {
		if dir, ok := strings.CutPrefix(v, "TMPDIR="); ok && dir != "" {
			return dir
		}
	}
	return "/tmp"
}

// Room is how many bytes clamd can still write there.
func (c *Process) Room() (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(c.root+c.TempDir, &st); err != nil {
		return 0, fmt.Errorf("look at its TemporaryDirectory %s: %w", c.TempDir, err)
	}
	if st.Files > 0 && st.Ffree == 0 {
		return 0, nil // no file can be made
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}

// Limit returns a soft limit of the process, as /proc/PID/limits calls it, or
// false if there is none.
func (c *Process) Limit(name string) (int64, bool) {
	text, _ := os.ReadFile(p(c.PID, "limits"))
	for _, line := range strings.Split(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, name); ok {
			fields := strings.Fields(rest)
			if len(fields) == 0 {
				return 0, false
			}
			n, err := strconv.ParseInt(fields[0], 10, 64)
			return n, err == nil // "unlimited" is no number
		}
	}
	return 0, false
}

// Memory returns a line of /proc/PID/status that counts kB, in bytes.
func (c *Process) Memory(name string) int64 {
	text, _ := os.ReadFile(p(c.PID, "status"))
	for _, line := range strings.Split(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return n << 10
		}
	}
	return 0
}

// MemoryLimit is what the process's control group may have in memory, or false
// if it has no limit.
func (c *Process) MemoryLimit() (least int64, limited bool) {
	text, _ := os.ReadFile(p(c.PID, "cgroup"))
	for _, line := range strings.Split(string(text), "\n") {
		_, rest, _ := strings.Cut(line, ":")
		controllers, path, ok := strings.Cut(rest, ":")
		base, file := "/sys/fs/cgroup", "memory.max"
		if controllers == "memory" {
			base, file = "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
		} else if controllers != "" || !ok {
			continue
		}
		// A group has at most what those above it have.
		for ; path != "/" && path != "."; path = filepath.Dir(path) {
			text, err := os.ReadFile(base + path + "/" + file)
			n, notNumber := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
			if err == nil && notNumber == nil && n < 1<<60 && (!limited || n < least) {
				least, limited = n, true
			}
		}
	}
	return least, limited
}

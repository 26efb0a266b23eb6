package machines

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// needSpace fails unless the disk that holds dir has room for so many bytes.
func needSpace(dir string, bytes uint64) error {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return fmt.Errorf("ask for the free space of %s: %w", dir, err)
	}
	if free := s.Bavail * uint64(s.Bsize); free < bytes {
		return fmt.Errorf("not enough disk space: %s has %d MB free, %d MB are needed: free some, or link it to a larger disk",
			dir, free>>20, bytes>>20)
	}
	return nil
}

// spaceFolders are where a run's disks and boxes are to lie, or the folders
// above where those don't exist yet.
func spaceFolders(m mode, cache, home string) []string {
	dirs := map[mode][]string{
		ownLibvirt:    {cache, home},
		systemLibvirt: {poolsDir, home},
		virtualBox:    {cache, home},
	}[m]
	for i := range dirs {
		for !exists(dirs[i]) {
			dirs[i] = filepath.Dir(dirs[i])
		}
	}
	return slices.Compact(dirs)
}

// emulationOverhead is what QEMU takes beside a guest's own memory, in
// megabytes: mostly translated code, of which it keeps up to a gigabyte if
// there is so much to translate; the guests here have less.
const emulationOverhead = 256

// parallel says how many of the machines can run at once in so many megabytes
// on so many processors: one more than those, as each waits for a good part
// of its time. It fails if not even the largest one can.
func parallel(machines []*Machine, available, processors int) (int, error) {
	largest := machines[0]
	for _, m := range machines {
		if m.Memory > largest.Memory {
			largest = m
		}
	}
	need := largest.Memory + emulationOverhead
	n := min(len(machines), processors+1, available/need)
	if n < 1 {
		return 0, fmt.Errorf("not enough memory: machine %s needs %d MB, %d MB are available: end something, or lower its memory in vagrant/local.yml",
			largest.Name, need, available)
	}
	return n, nil
}

// availableMemory returns how many megabytes programs can still take, of this
// machine and of the container that it may be.
func availableMemory() (int, error) {
	machine, err := machineMemory()
	if err != nil {
		return 0, err
	}
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return machine, nil // nothing limits it
	}
	return min(machine, groupMemory("/sys/fs/cgroup", string(groups))), nil
}

func machineMemory() (int, error) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		if runtime.GOOS != "linux" {
			return 1 << 20, nil // no such file there; Vagrant's provider will say so
		}
		return 0, err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if fields := strings.Fields(s.Text()); len(fields) == 3 && fields[0] == "MemAvailable:" {
			kb, err := strconv.Atoi(fields[1])
			return kb / 1024, err
		}
	}
	return 0, errors.New("/proc/meminfo has no MemAvailable")
}

// lock keeps two runs of one checkout from each other. The lock goes with the
// process.
func lock(cache string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(cache, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock the machines: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.New("another vm:box or test:vm of this checkout runs: wait for its end")
		}
		return nil, fmt.Errorf("lock the machines: %w", err)
	}
	return func() { f.Close() }, nil
}

package machines

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// groupMemory returns how many megabytes the control groups of a process let
// it still take: /proc/meminfo knows nothing of a container's limit. groups
// is what /proc/PID/cgroup says, root where the groups are mounted.
func groupMemory(root, groups string) int {
	free := math.MaxInt
	for line := range strings.Lines(groups) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		switch {
		case f[0] == "0" && f[1] == "":
			free = min(free, groupFree(root, f[2], "memory.max", "memory.current", "inactive_file"))
		case strings.Contains(","+f[1]+",", ",memory,"):
			free = min(free, groupFree(filepath.Join(root, "memory"), f[2], "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"))
		}
	}
	return free
}

// groupFree looks at a group and all above it, each of which can limit. A
// group that a container can't see is passed over. Cached files give way.
func groupFree(root, path, limit, usage, cached string) int {
	free := math.MaxInt
	for path = filepath.Clean("/" + path); ; path = filepath.Dir(path) {
		dir := filepath.Join(root, path)
		most, err := groupNumber(filepath.Join(dir, limit))
		used, err2 := groupNumber(filepath.Join(dir, usage))
		if err == nil && err2 == nil {
			stat, _ := os.ReadFile(filepath.Join(dir, "memory.stat"))
			for line := range strings.Lines(string(stat)) {
				if name, value, _ := strings.Cut(strings.TrimSpace(line), " "); name == cached {
					n, _ := strconv.Atoi(value)
					used -= n
				}
			}
			free = min(free, max(0, most-max(0, used))>>20)
		}
		if path == "/" {
			return free
		}
	}
}

// groupNumber reads a file that holds a number, or the word max.
func groupNumber(path string) (int, error) {
	data, err := os.ReadFile(path)
	text := strings.TrimSpace(string(data))
	if err == nil && text == "max" {
		return math.MaxInt, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

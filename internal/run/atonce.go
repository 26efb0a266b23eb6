package run

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// AtOnce says how many jobs that take so many bytes of memory each may run at
// the same time: one more than there are processors, as each waits now and
// then, as far as the memory goes, and one at least.
func AtOnce(each uint64) int { return atOnce(each, availableMemory()) }

func atOnce(each, available uint64) int {
	return max(1, int(min(uint64(runtime.NumCPU()+1), available/each)))
}

// availableMemory returns how many bytes programs can still take. Where the
// system does not say it, memory does not limit the jobs.
func availableMemory() uint64 {
	data, _ := os.ReadFile("/proc/meminfo")
	for line := range strings.Lines(string(data)) {
		var kilobytes uint64
		if n, _ := fmt.Sscanf(line, "MemAvailable: %d kB", &kilobytes); n == 1 {
			return kilobytes << 10
		}
	}
	return 1 << 62
}

package machines

import (
	"fmt"
	"math"
	"os"
	"strings"

	"github.com/avirkit/avirkit/internal/systems/settings"
)

// emulationOverhead is what QEMU takes beside a guest's own memory, in
// megabytes: mostly translated code.
const emulationOverhead = 256

// slots says how many of the machines run at once in so many megabytes on so
// many processors: one more than those, as each machine waits for a good part
// of its time.
func slots(machines []*settings.Machine, available, processors int) int {
	largest := 0
	for _, m := range machines {
		largest = max(largest, m.Memory+emulationOverhead)
	}
	return max(1, min(len(machines), processors+1, available/max(1, largest)))
}

// availableMemory returns how many megabytes programs can still take. Where
// the system does not say it, memory does not limit the machines.
func availableMemory() int {
	data, _ := os.ReadFile("/proc/meminfo")
	for line := range strings.Lines(string(data)) {
		var kilobytes int
		if n, _ := fmt.Sscanf(line, "MemAvailable: %d kB", &kilobytes); n == 1 {
			return kilobytes / 1024
		}
	}
	return math.MaxInt
}

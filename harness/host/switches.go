package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Switches returns how often the threads of the process that live now have
// gone to sleep since they began, which is how often they had woken up.
func (h *Host) Switches() (int, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", h.Pid()))
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("count wake-ups: process %d has no threads in /proc", h.Pid())
	}
	total := 0
	for _, file := range files {
		status, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		_, count, _ := strings.Cut(string(status), "\nvoluntary_ctxt_switches:")
		n := 0
		if _, err := fmt.Sscan(count, &n); err != nil {
			return 0, fmt.Errorf("count wake-ups: %s has no voluntary_ctxt_switches", file)
		}
		total += n
	}
	return total, nil
}

package host

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Leftovers tells whether a process of avserver's group still runs some time
// after avserver itself is gone.
func (h *Host) Leftovers() bool {
	const grace = time.Second
	for end := time.Now().Add(grace); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if !groupRuns(h.Pid()) {
			return false
		}
	}
	return true
}

// groupRuns looks for a running process of the group. Signal 0 would also find
// those that have ended and that nobody has waited for yet.
func groupRuns(group int) bool {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, path := range stats {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		// The name before it, in parentheses, may hold anything.
		text := string(data)
		fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
		const state, processGroup = 0, 2
		if len(fields) > processGroup && fields[processGroup] == strconv.Itoa(group) && fields[state] != "Z" && fields[state] != "X" {
			return true
		}
	}
	return false
}

package check

import (
	"os"
	"time"
)

// buildTime is when this program's file was made, as packages keep it.
func buildTime() time.Time {
	self, err := os.Executable()
	if err != nil {
		return time.Time{}
	}
	info, err := os.Stat(self)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// Command mage is mage, as "go tool mage" runs it, that also hands on the
// signals by which service managers and CI end it. mage by itself dies of them,
// leaves its targets running, and the go command then even reports success.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/magefile/mage/mage"
)

func main() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		for s := range signals {
			if s := s.(syscall.Signal); handOn(s) == 0 {
				os.Exit(128 + int(s))
			}
		}
	}()
	os.Exit(mage.Main())
}

// handOn sends a signal to the children and returns how many there are: the
// targets, or the compiler that is about to make them.
func handOn(s syscall.Signal) (children int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", os.Getpid()))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, field := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(field); err == nil && syscall.Kill(pid, s) == nil {
				children++
			}
		}
	}
	return children
}

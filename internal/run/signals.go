package run

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// endings returns the signals, other than Ctrl-C's, that end mage: SIGTERM, and
// SIGHUP where it is not ignored, as nohup has it.
func endings() <-chan os.Signal {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	return signals
}

// EndBySignal lets the signals that end mage cancel the targets as Ctrl-C does:
// mage knows SIGINT only. Further ones change nothing, for a process group gets
// them once from outside and once from HandOnSignals.
func EndBySignal() {
	signals := endings()
	go func() {
		<-signals
		_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
	}()
}

// HandOnSignals is for the process that starts the targets. It hands on the
// signals that end mage, which by itself dies of them, leaves its targets
// running, and lets the go command report success.
func HandOnSignals() {
	signals := endings()
	go func() {
		for s := range signals {
			if s := s.(syscall.Signal); handOn(s) == 0 {
				os.Exit(128 + int(s))
			}
		}
	}()
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

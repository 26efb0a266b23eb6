package targets

import (
	"os"
	"os/signal"
	"syscall"
)

// EndBySignal lets SIGTERM, and SIGHUP where it is not ignored, cancel the
// targets as Ctrl-C does: mage knows SIGINT only. Further ones change nothing,
// for a process group gets them once from outside and once from mage.
func EndBySignal() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		<-signals
		_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
	}()
}

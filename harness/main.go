// Harness acts as the product's own antivirus server and tests a plugin in it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/report"
)

// version is set by the build.
var version = "development"

// Exit statuses.
const (
	allPassed = 0
	someFail  = 1
	misuse    = 2
)

func main() {
	// Ctrl-C ends the hosts, removes what the tests made, and still reports.
	ctx, stop := signal.NotifyContext(context.Background(), heeded(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)...)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the harness at once
	// A reader of the output that goes away ends the run in the same way, see
	// progress.Display; by its signal it would end the harness on the spot.
	signal.Ignore(syscall.SIGPIPE)
	host.Adopt()
	status := execute(ctx, os.Args[1:])
	stop()
	os.Exit(status)
}

// heeded returns the signals that the caller has not told to ignore: nohup does
// that with SIGHUP.
func heeded(signals ...os.Signal) []os.Signal {
	return slices.DeleteFunc(signals, signal.Ignored)
}

// failure is the error of a command that was used right. Its reason may be nil,
// where the table of results has it.
type failure struct{ reason error }

func (f failure) Error() string { return "something failed or did not run" }

// execute runs the command line and returns the exit status.
func execute(ctx context.Context, args []string) int {
	root := commands()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	status := misuse
	if failed := new(failure); errors.As(err, failed) {
		err, status = failed.reason, someFail
	} else if err == nil {
		status = allPassed
	}
	if err != nil { // which may quote the plugin
		fmt.Fprintf(os.Stderr, "harness: %s\n", report.Printable(err.Error()))
	}
	return status
}

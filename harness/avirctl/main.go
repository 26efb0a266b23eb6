// avirctl tells an administrator whether mail is being scanned.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/avirkit/avirkit/harness/avirctl/command"
)

// version is set by the build.
var version = "development"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := command.New(version)
	root.SetArgs(os.Args[1:])
	err := root.ExecuteContext(ctx)
	status := new(command.Status)
	switch {
	case err == nil:
	case errors.As(err, &status):
		os.Exit(status.Exit)
	default:
		fmt.Fprintf(os.Stderr, "avirctl: %v\n", err)
		os.Exit(command.CannotTell)
	}
}

// avirctl tells an administrator whether mail is being scanned.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/avirkit/avirkit/harness/avirctl/command"
)

// version is set by the build.
var version = "development"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := command.Run(ctx, version, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

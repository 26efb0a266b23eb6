// Command mage is mage, as "go tool mage" runs it, made safe for what
// surrounds a checkout: mages that run at the same time, variables of the
// environment that are meant for other builds, and the signals by which service
// managers and CI end it.
package main

import (
	"fmt"
	"log"
	"os"

	"github.com/magefile/mage/mage"

	"github.com/avirkit/avirkit/internal/run"
)

func main() {
	run.HandOnSignals()
	inv, command, err := mage.Parse(os.Stderr, os.Stdout, os.Args[1:])
	if err != nil || command != mage.None || inv.List || inv.Help || len(inv.Args) == 0 {
		os.Exit(mage.Main())
	}
	inv.Stdin, inv.Stdout, inv.Stderr = os.Stdin, os.Stdout, os.Stderr
	if inv.Dir == "" {
		inv.Dir = "."
	}
	if inv.WorkDir == "" {
		inv.WorkDir = inv.Dir
	}
	targets, err := compile(inv)
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
	code := mage.RunCompiled(inv, targets, log.New(os.Stderr, "", 0))
	_ = os.Remove(targets)
	os.Exit(code)
}

// Command fakeclamd is a clamd that finds EICAR, also in zip files, reports
// encrypted zip files, and misbehaves as it is told. It needs no database and
// runs where no clamd is installed.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/avirkit/avirkit/plugins/clam/fakeclamd"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fakeclamd:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("fakeclamd", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:3310", "TCP `address`; empty for none")
	unix := flags.String("unix", "", "`path` of a unix socket; empty for none")
	name := flags.String("fault", "", "`name` of a fault, or reply=TEXT")
	skip := flags.Int("fault-after", 0, "how many `scans` go well first")
	times := flags.Int("fault-times", 0, "how many `scans` the fault spoils; 0 means all")
	list := flags.Bool("list", false, "list the faults and exit")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *list {
		return listFaults(out)
	}
	if flags.NArg() > 0 || *listen == "" && *unix == "" {
		return fmt.Errorf("usage: fakeclamd --listen HOST:PORT and/or --unix PATH [--fault NAME]; --list tells the faults")
	}
	var fault fakeclamd.Fault
	if *name != "" {
		var err error
		if fault, err = fakeclamd.ParseFault(*name); err != nil {
			return err
		}
		fault.Skip, fault.Times = *skip, *times
	}
	fake, err := fakeclamd.New(*listen, *unix)
	if err != nil {
		return err
	}
	defer fake.Close()
	fake.Set(fault)
	fmt.Fprintf(out, "fakeclamd: ready at %s %s\n", fake.Addr, fake.Socket)
	// SIGQUIT stays with the runtime, which prints what each goroutine does:
	// the way to find out why a fake hangs.
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGINT, syscall.SIGTERM)
	<-end
	return nil
}

func listFaults(out io.Writer) error {
	names := make([]string, 0, len(fakeclamd.Faults))
	for name := range fakeclamd.Faults {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if _, err := fmt.Fprintf(out, "%-18s %s\n", name, fakeclamd.Faults[name]); err != nil {
			return err
		}
	}
	return nil
}

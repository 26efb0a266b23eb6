// Harness acts as the product's own antivirus server and tests a plugin in it.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/hostile"
	"github.com/avirkit/avirkit/harness/progress"
	"github.com/avirkit/avirkit/harness/report"
	"github.com/avirkit/avirkit/harness/tests"
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
	status := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// heeded returns the signals that the caller has not told to ignore: nohup does
// that with SIGHUP.
func heeded(signals ...os.Signal) []os.Signal {
	return slices.DeleteFunc(signals, signal.Ignored)
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr *os.File) int {
	o, err := parse(args)
	if err != nil {
		complain(stderr, fmt.Errorf("%w (see harness --help)", err))
		return misuse
	}
	switch o.command {
	case "help":
		fmt.Fprint(stdout, usage)
		return allPassed
	case "version":
		fmt.Fprintln(stdout, "harness", version)
		return allPassed
	case "list":
		for _, c := range hostile.All() {
			fmt.Fprintf(stdout, "%-24s %s\n", c.Name, c.Did)
		}
		return allPassed
	case "menu":
		if o.test, err = menu(ctx, stdin, stdout); err != nil {
			complain(stderr, err)
			return misuse
		}
	}
	if err := o.prepare(); err != nil {
		complain(stderr, err)
		return misuse
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o.run.Show = progress.New(stdout, cancel)
	switch o.command {
	case "footprint":
		return measured(stderr, o.footprint(ctx, stdout))
	case "bench":
		return measured(stderr, o.bench(ctx, stdout))
	}
	return o.runTests(ctx, stdout, stderr)
}

// complain writes an error, which may quote the plugin.
func complain(stderr io.Writer, err error) {
	fmt.Fprintf(stderr, "harness: %s\n", report.Printable(err.Error()))
}

func measured(stderr io.Writer, err error) int {
	if err != nil {
		complain(stderr, err)
		return someFail
	}
	return allPassed
}

// suite returns the five tests in the order of the menu.
func suite(only []string) []tests.Test {
	return append(tests.All(), tests.Test{Name: "hostile", Title: "avplugins_hostile_test",
		Run: func(ctx context.Context, r *tests.Run) []report.Case { return hostile.Run(ctx, r, only) }})
}

// menu asks for a test as the reference program does.
func menu(ctx context.Context, stdin io.Reader, stdout io.Writer) (string, error) {
	fmt.Fprintln(stdout, "Available tests:")
	list := suite(nil)
	for i, t := range list {
		fmt.Fprintf(stdout, "%d: %s\n", i, t.Title)
	}
	fmt.Fprint(stdout, "Enter the number of the test: ")
	lines := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(stdin).ReadString('\n') // an empty line says enough
		lines <- strings.TrimSpace(line)
	}()
	var text string
	select {
	case text = <-lines:
	case <-ctx.Done(): // a read from a terminal can't be interrupted
	}
	if text == "" {
		return "", errors.New("no test was chosen: type its number, or use harness run TEST")
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n >= len(list) {
		return "", fmt.Errorf("there is no test %q: the numbers are 0 to %d", text, len(list)-1)
	}
	return list[n].Name, nil
}

func (o *options) runTests(ctx context.Context, stdout, stderr *os.File) int {
	r := &report.Report{Plugin: o.run.Plugin, Started: time.Now()}
	if o.platform != nil {
		o.run.Show.Line("plugin: %s, for %s", o.run.Plugin, o.platform.Words)
		o.run.Show.Line("host:   %s", o.run.Avserver)
	}
	ran := 0
	for _, t := range suite(o.only) {
		if o.test != "all" && o.test != t.Name {
			continue
		}
		ran++
		if ctx.Err() != nil {
			r.Add(report.Case{Test: t.Name, Name: "stopped", Status: report.Failed, Did: "nothing", Saw: "the harness was stopped before this test"})
			continue
		}
		o.run.Show.Line("%s", t.Title)
		part := report.Report{}
		if t.Name != "generate" && t.Name != "hostile" {
			if err := o.run.NeedSamples(); err != nil {
				part.Add(report.Case{Test: t.Name, Name: "setup", Status: report.Failed, Saw: err.Error()})
			}
		}
		if len(part.Cases) == 0 {
			part.Add(t.Run(ctx, &o.run)...)
		}
		if ctx.Err() != nil && part.OK() {
			part.Add(report.Case{Test: t.Name, Name: "stopped", Status: report.Failed, Did: "not all", Saw: "the harness was stopped during this test"})
		}
		o.run.Show.Line("%s %s", t.Title, outcome(&part))
		r.Add(part.Cases...)
		if ctx.Err() != nil {
			o.run.Show.Line("stopped")
		}
	}
	status := allPassed
	if ran == 0 || !r.OK() || ctx.Err() != nil {
		status = someFail
	}
	for _, file := range []struct {
		path  string
		write func(string) error
	}{{o.junit, r.WriteJUnit}, {o.json, r.WriteJSON}} {
		if file.path != "" {
			if err := file.write(file.path); err != nil {
				complain(stderr, err)
				status = someFail
			}
		}
	}
	// Last: nobody may read it any more.
	fmt.Fprintln(stdout)
	r.Table(stdout)
	return status
}

func outcome(part *report.Report) string {
	switch {
	case part.OK():
		return "*Success*"
	case part.Count(report.Failed) == 0:
		return "did not run completely"
	}
	return "**Failed**"
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/avirkit/avirkit/harness/hostile"
	"github.com/avirkit/avirkit/harness/reference"
	"github.com/avirkit/avirkit/harness/report"
)

// suite returns the five tests in the order of the menu.
func suite(only []string) []reference.Test {
	return append(reference.All(), reference.Test{Name: "hostile", Title: "avplugins_hostile_test",
		Run: func(ctx context.Context, r *reference.Run) []report.Case { return hostile.Run(ctx, r, only) }})
}

// runTests runs the test that was asked for, or all, and reports. Its error has
// no reason but a report that can't be written: the table tells the others.
func (o *options) runTests(ctx context.Context, stdout io.Writer) error {
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
	var unwritten []error
	if o.junit != "" {
		unwritten = append(unwritten, r.WriteJUnit(o.junit))
	}
	if o.json != "" {
		unwritten = append(unwritten, r.WriteJSON(o.json))
	}
	// Last: nobody may read it any more.
	fmt.Fprintln(stdout)
	r.Table(stdout)
	err := errors.Join(unwritten...)
	if err != nil || ran == 0 || !r.OK() || ctx.Err() != nil {
		return failure{err}
	}
	return nil
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

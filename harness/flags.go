package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/reference"
)

// options are what the command line asks for.
type options struct {
	command string // harness (the menu), run, footprint or bench
	test    string
	run     reference.Run
	only    []string
	list    bool
	junit   string
	json    string
	file    string
	count   int
	pause   time.Duration
	idle    time.Duration

	platform *host.Platform // of the plugin
}

// action is what a command does when everything that it needs is there.
type action func(ctx context.Context, stdout io.Writer) error

func defaults() *options {
	o := &options{count: 100_000, idle: 5 * time.Second}
	o.run = reference.Run{Threads: 8, Wait: 150 * time.Second}
	o.run.Limit = 30 * time.Second
	return o
}

// hostFlags are for every command. A word in back quotes is the value's name in
// the help text.
func (o *options) hostFlags(f *pflag.FlagSet) {
	f.StringVar(&o.run.Plugin, "plugin", "./avir.so", "the plugin, a `FILE`")
	f.Func("set", "set one of the plugin's options, `OPTION=VALUE`; may be repeated", o.set)
	f.StringVar(&o.run.Data, "data", "av_test_data", "folder of the samples, a `DIR`")
	f.Func("threads", "most worker threads `N` (default 8)", number(&o.run.Threads, 256))
	f.StringVar(&o.run.KernelFloor, "kernel-floor", "", "hide system calls newer than those of Linux `V`: "+strings.Join(host.KernelFloors, ", "))
	f.Func("limit", "longest time `D` for one call of the plugin (default 30s; plugin_init has 4 times as much)", duration(&o.run.Limit))
	f.StringVar(&o.run.Avserver, "avserver", "", "the host program, a `FILE` (default: the one for the plugin's platform in dist)")
	f.StringVar(&o.json, "json", "", "write the results as JSON to `FILE` (footprint and bench: - is standard output)")
}

func (o *options) testFlags(f *pflag.FlagSet) {
	f.Func("wait", "pause `D` of the waiting test (default 150s)", duration(&o.run.Wait))
	f.StringArrayVar(&o.only, "only", nil, "hostile: only this `CHECK`; may be repeated")
	f.BoolVar(&o.run.Quick, "quick", false, "hostile: fewer repetitions")
	f.BoolVar(&o.list, "list", false, "hostile: list the checks instead")
	f.StringVar(&o.junit, "junit", "", "write the results as JUnit XML to `FILE`")
}

func (o *options) footprintFlags(f *pflag.FlagSet) {
	f.Func("count", "how many scans `N` (default 100000)", number(&o.count, 100_000_000))
	f.Func("idle", "how long `D` wake-ups are counted without scans (default 5s)", duration(&o.idle))
}

func (o *options) benchFlags(f *pflag.FlagSet) {
	f.StringVar(&o.file, "file", "", "the `FILE` to scan")
	f.Func("count", "how many scans `N` (default 100000)", number(&o.count, 100_000_000))
	f.Func("pause", "pause `D` after each scan of a thread, as mail comes (default none)", duration(&o.pause))
}

func (o *options) set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return errors.New("needs the form OPTION=VALUE")
	}
	if len(name) > host.MaxName || len(value) > host.MaxValue {
		return fmt.Errorf("an option's name has at most %d bytes, its value %d", host.MaxName, host.MaxValue)
	}
	o.run.Settings = append(o.run.Settings, host.Setting{Name: name, Value: value})
	return nil
}

func number(to *int, most int) func(string) error {
	return func(text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > most {
			return fmt.Errorf("needs a number from 1 to %d", most)
		}
		*to = n
		return nil
	}
}

func duration(to *time.Duration) func(string) error {
	return func(text string) error {
		d, err := time.ParseDuration(text)
		if err != nil || d < time.Millisecond || d > 24*time.Hour {
			return errors.New("needs a time from 1ms to 24h, such as 90s")
		}
		*to = d
		return nil
	}
}

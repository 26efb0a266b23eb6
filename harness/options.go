package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/tests"
)

const usage = `usage: harness                          choose a test from a menu
       harness run TEST [option]...     generate, scanning, waiting, server, hostile or all
       harness run hostile --list       list the hostile checks
       harness footprint [option]...    memory and threads after load, per context, after scans
       harness bench --file FILE [option]...   time of one scan call
Tests an antivirus plugin in a host that behaves as the product's antivirus server.

  --plugin FILE          the plugin (default ./avir.so)
  --set OPTION=VALUE     set one of the plugin's options; may be repeated
  --data DIR             folder of the samples (default av_test_data)
  --threads N            most worker threads (default 8)
  --kernel-floor V       hide system calls newer than Linux 2.6.32, 3.2 or 3.10
  --wait D               pause of the waiting test (default 150s)
  --limit D              longest time for one call of the plugin (default 30s; plugin_init has 4 times as much)
  --only CHECK           hostile: only this check; may be repeated
  --quick                hostile: fewer repetitions
  --junit FILE           write the results as JUnit XML
  --json FILE            write the results as JSON (footprint and bench: - is standard output)
  --avserver FILE        the host program (default: avserver beside the harness)
  --file FILE            bench: the file to scan
  --count N              bench, footprint: how many scans (default 100000)
  --pause D              bench: pause after each scan of a thread, as mail comes (default none)
  --idle D               footprint: how long wake-ups are counted without scans (default 5s)
  -h, --help             print this
  --version              print the version

Exit status: 0 all that was asked for ran and passed, 1 something failed or did not run, 2 wrong use.
`

type options struct {
	command string // help, version, list, menu, run, footprint or bench
	test    string
	run     tests.Run
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

// parse reads the command line.
func parse(args []string) (*options, error) {
	o := &options{command: "menu", count: 100_000, idle: 5 * time.Second}
	o.run = tests.Run{Data: "av_test_data", Threads: 8, Wait: 150 * time.Second}
	o.run.Plugin, o.run.Limit = "./avir.so", 30*time.Second
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		o.command, args = args[0], args[1:]
		switch o.command {
		case "run":
			if len(args) == 0 || strings.HasPrefix(args[0], "-") {
				if len(args) == 0 || args[0] != "-h" && args[0] != "--help" {
					return nil, errors.New("run needs the name of a test")
				}
				break
			}
			o.test, args = args[0], args[1:]
			if err := o.knownTest(); err != nil {
				return nil, err
			}
		case "footprint", "bench":
		default:
			return nil, fmt.Errorf("unknown command %q", o.command)
		}
	}
	for len(args) > 0 {
		name, value, joined := strings.Cut(args[0], "=")
		args = args[1:]
		done, err := o.flag(name)
		if err != nil {
			return nil, err
		}
		if done {
			if joined {
				return nil, fmt.Errorf("%s takes no value", name)
			}
			continue
		}
		if !joined {
			if len(args) == 0 {
				return nil, fmt.Errorf("%s needs a value", name)
			}
			value, args = args[0], args[1:]
		}
		if err := o.value(name, value); err != nil {
			return nil, err
		}
	}
	if o.list && o.command != "help" && o.command != "version" {
		if o.test != "hostile" {
			return nil, errors.New("--list is for run hostile")
		}
		o.command = "list"
	}
	return o, nil
}

func (o *options) knownTest() error {
	names := []string{"all"}
	for _, t := range suite(nil) {
		names = append(names, t.Name)
	}
	for _, name := range names {
		if o.test == name {
			return nil
		}
	}
	return fmt.Errorf("there is no test %q: use %s", o.test, strings.Join(names, ", "))
}

// flag takes an option without a value; it returns false for one that has a value.
func (o *options) flag(name string) (bool, error) {
	switch name {
	case "-h", "--help":
		o.command = "help"
	case "--version":
		o.command = "version"
	case "--list":
		o.list = true
	case "--quick":
		o.run.Quick = true
	case "--plugin", "--set", "--data", "--threads", "--kernel-floor", "--wait", "--limit", "--only",
		"--junit", "--json", "--avserver", "--file", "--count", "--pause", "--idle":
		return false, nil
	default:
		return false, fmt.Errorf("unknown option %q", name)
	}
	return true, nil
}

func (o *options) value(name, value string) (err error) {
	switch name {
	case "--plugin":
		o.run.Plugin = value
	case "--set":
		option, text, ok := strings.Cut(value, "=")
		if !ok || option == "" {
			return fmt.Errorf("--set %s: needs the form OPTION=VALUE", value)
		}
		if len(option) > host.MaxName || len(text) > host.MaxValue {
			return fmt.Errorf("--set %s: an option's name has at most %d bytes, its value %d", value, host.MaxName, host.MaxValue)
		}
		o.run.Settings = append(o.run.Settings, host.Setting{Name: option, Value: text})
	case "--data":
		o.run.Data = value
	case "--threads":
		o.run.Threads, err = number(name, value, 256)
	case "--count":
		o.count, err = number(name, value, 100_000_000)
	case "--pause":
		o.pause, err = duration(name, value)
	case "--idle":
		o.idle, err = duration(name, value)
	case "--kernel-floor":
		o.run.KernelFloor = value
	case "--wait":
		o.run.Wait, err = duration(name, value)
	case "--limit":
		o.run.Limit, err = duration(name, value)
	case "--only":
		o.only = append(o.only, value)
	case "--junit":
		o.junit = value
	case "--json":
		o.json = value
	case "--avserver":
		o.run.Avserver = value
	case "--file":
		o.file = value
	}
	return err
}

func number(name, value string, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%s %s: needs a number from 1 to %d", name, value, most)
	}
	return n, nil
}

func duration(name, value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil || d < time.Millisecond || d > 24*time.Hour {
		return 0, fmt.Errorf("%s %s: needs a time from 1ms to 24h, such as 90s", name, value)
	}
	return d, nil
}

package host

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Setting is one option of the plugin and the value to set it to.
type Setting struct{ Name, Value string }

// What fits into an avir_plugin_config without its NUL, and how many of them
// avserver takes (MAX_SETTINGS).
const (
	MaxName     = 31
	MaxValue    = 127
	MaxSettings = 64
)

// KernelFloors are the versions that avserver/floor.c knows.
var KernelFloors = []string{"2.6.32", "3.2", "3.10"}

// Setup says which plugin to load, into which host, and how long to wait.
type Setup struct {
	Avserver    string
	Plugin      string
	Settings    []Setting
	KernelFloor string // "" for none

	// Limit is the longest time for one call of the plugin; plugin_init,
	// which may wait for an antivirus to start, has InitFactor times as much.
	Limit time.Duration
}

// InitFactor times Setup.Limit is the time for plugin_init: with the default
// limit of 30 s it is longer than the longest StartupTimeout of 100 s.
const InitFactor = 4

// Args returns avserver's arguments for the setup and more of them.
func (s Setup) Args(more ...string) []string {
	var args []string
	if s.KernelFloor != "" && !lacksFilter(KernelRelease(), s.KernelFloor) {
		args = append(args, "--kernel-floor", s.KernelFloor)
	}
	return append(args, more...)
}

// Open starts a host that has nothing loaded yet.
func (s Setup) Open(ctx context.Context, more ...string) (*Host, error) {
	return Start(ctx, s.Avserver, s.Args(more...), nil)
}

// Ready starts a host, loads and starts the plugin in it.
func (s Setup) Ready(ctx context.Context, more ...string) (*Host, error) {
	h, err := s.Open(ctx, more...)
	if err != nil {
		return nil, err
	}
	if _, err := s.Begin(h); err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

// Workers starts a host with the plugin and a pool of worker threads.
func (s Setup) Workers(ctx context.Context, threads int, idle time.Duration, more ...string) (*Host, error) {
	h, err := s.Ready(ctx, more...)
	if err != nil {
		return nil, err
	}
	if err := s.StartWorkers(h, threads, idle); err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

// StartWorkers makes h ready for Scan.
func (s Setup) StartWorkers(h *Host, threads int, idle time.Duration) error {
	_, err := h.Call(s.Limit, "starting workers", "workers", strconv.Itoa(threads), strconv.Itoa(int(idle.Milliseconds())))
	return err
}

// Begin loads the plugin, sets its options and initialises it. The time is
// plugin_init's.
func (s Setup) Begin(h *Host) (time.Duration, error) {
	if _, err := s.Load(h); err != nil {
		return 0, err
	}
	if _, err := s.Set(h); err != nil {
		return 0, err
	}
	return s.Init(h)
}

// Load loads the library.
func (s Setup) Load(h *Host) (Facts, error) {
	return h.Call(s.Limit, "loading "+s.Plugin, "load", s.Plugin)
}

// Set sets the options of the setup, which may be none, and returns how many
// the plugin knows.
func (s Setup) Set(h *Host) (int, error) {
	var args []string
	for _, o := range s.Settings {
		args = append(args, o.Name, o.Value)
	}
	facts, err := h.Call(s.Limit, "set_plugin_config", "set", args...)
	if err != nil {
		return 0, err
	}
	known := facts.Int("known")
	if known < len(s.Settings) {
		return known, s.unknown(h, known)
	}
	return known, nil
}

// unknown names the options of the setup that the plugin lacks, and those that
// it has.
func (s Setup) unknown(h *Host, known int) error {
	has, err := h.Call(s.Limit, "get_plugin_config", "options")
	if err != nil {
		return err
	}
	var lacks []string
	for _, o := range s.Settings {
		if !slices.ContainsFunc(has.Keys, func(key string) bool { return strings.EqualFold(key, o.Name) }) {
			lacks = append(lacks, o.Name)
		}
	}
	text := fmt.Sprintf("the plugin knows %d of the %d options given with --set", known, len(s.Settings))
	if len(lacks) > 0 {
		text = "the plugin has no option " + strings.Join(lacks, ", ")
	}
	return &Refused{During: "set_plugin_config", Text: text + "; it has " + strings.Join(has.Keys, ", ")}
}

// Init calls plugin_init.
func (s Setup) Init(h *Host) (time.Duration, error) {
	facts, err := h.Call(InitFactor*s.Limit, "plugin_init", "init")
	return facts.Duration("ns"), err
}

// StopWorkers lets the workers end, if there are any, and returns how many
// threads there have been.
func (s Setup) StopWorkers(h *Host) (made int, err error) {
	facts, err := h.Call(s.Limit, "plugin_thread_close", "stop")
	return facts.Int("made"), err
}

// Stop stops the workers, if there are any, closes the plugin on the main
// thread and unloads it.
func (s Setup) Stop(h *Host) error {
	if _, err := s.StopWorkers(h); err != nil {
		return err
	}
	if err := s.ClosePlugin(h); err != nil {
		return err
	}
	_, err := h.Call(s.Limit, "unloading", "unload")
	return err
}

// ClosePlugin calls plugin_close.
func (s Setup) ClosePlugin(h *Host) error {
	facts, err := h.Call(s.Limit, "plugin_close", "close")
	if err != nil {
		return err
	}
	if result := facts.Int("result"); result != 1 {
		return &Refused{During: "plugin_close", Text: fmt.Sprintf("returned %d, not 1", result)}
	}
	return nil
}

// Finish is an orderly stop and the end of the process.
func (s Setup) Finish(h *Host) error {
	if err := s.Stop(h); err != nil {
		return err
	}
	return h.Hangup(s.Limit)
}

package api

import (
	"context"
	"slices"
	"time"
)

// Plugin is what a vendor implements: one value for the whole library,
// registered with abi.Register from an init function of package main.
//
// The host calls Init, then NewScanner once for each of its threads, and at
// the end Close. Init may follow Close in the same process, so Close must
// leave nothing that Init can't start again from.
type Plugin interface {
	// Info describes the plugin. It is called once, at registration, before
	// anything else; it must not start anything.
	Info() Info

	// Init makes the plugin ready to scan. The host shows the error's text
	// to the administrator as the reason why the antivirus doesn't start.
	Init(cfg Config, log *Logger) error

	// NewScanner makes the state that one host thread uses. It may be called
	// from many threads at once.
	NewScanner() (Scanner, error)

	// Close ends what Init began. The SDK has cancelled the context of every
	// running Scan before it calls Close.
	Close() error
}

// Scanner scans files, one at a time, for one host thread.
type Scanner interface {
	// Scan checks one file. It must answer soon after ctx is done. What was
	// not scanned to the end must never be answered with OK.
	Scan(ctx context.Context, file File) Result

	// Close frees what NewScanner made.
	Close() error
}

// Info describes a plugin to the host and to the SDK. NewInfo makes it, so
// that the compiler finds a forgotten name or description; the two other
// fields may be set afterwards. Validate checks the texts.
type Info struct {
	name, description string
	options           []Option

	// ScanTimeout bounds one scan; 0 means DefaultScanTimeout. A scan that
	// has not answered by then is answered with Failed.
	ScanTimeout time.Duration

	// Inline says that Scan always returns by its context's deadline by
	// itself. The SDK then calls Scan directly on the host's thread, which
	// is some 70 µs faster on two cores than the default: a goroutine of its own,
	// which the SDK can abandon when it hangs.
	Inline bool
}

// NewInfo describes a plugin.
//
// The name is the file name of the library without its extension. It begins
// with "avir_" and has at most MaxName ASCII characters.
//
// The description names the antivirus and the plugin's version for the
// administration console, in at most MaxDescription ASCII characters.
//
// The options are what the administrator sees and edits, in this order.
func NewInfo(name, description string, options ...Option) Info {
	return Info{name: name, description: description, options: slices.Clone(options)}
}

// Name returns the name that NewInfo got.
func (i Info) Name() string { return i.name }

// Description returns the description that NewInfo got.
func (i Info) Description() string { return i.description }

// Options returns a copy of the options that NewInfo got.
func (i Info) Options() []Option { return slices.Clone(i.options) }

// Option is what an administrator can set, and what it is until then.
type Option struct {
	Name    string // at most MaxOptionName bytes
	Default string // at most MaxOptionValue bytes
}

// Setting is an option's value at one moment.
type Setting struct {
	Name  string // that of the Option; case doesn't matter
	Value string // at most MaxOptionValue bytes
}

// File names what to scan. Both names are byte strings as the host gave them:
// usually UTF-8, never to be re-encoded before they are opened.
type File struct {
	Path     string // the file to open
	RealName string // the name that the user knows; empty if the host gave none
}

// Limits of the host's fixed-size fields, each without the ending NUL.
const (
	MaxName        = 63
	MaxDescription = 127
	MaxOptionName  = 31
	MaxOptionValue = 127
)

// DefaultScanTimeout bounds a scan when Info.ScanTimeout is zero.
const DefaultScanTimeout = 5 * time.Minute

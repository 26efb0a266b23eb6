// This plugin has no antivirus: it answers the harness's samples by their file
// names, and says of every other file that it can't be checked. Put an engine
// behind its methods; each says whether it is mandatory. docs/vendor.md of
// avirkit tells the rest.
package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/api/abi"
)

// version is shown in the administration console. "mage build" takes it from
// the file VERSION.
var version = "1.0.0"

// A plugin registers itself while the library loads. Mandatory, and all that
// may happen at that time: no file, no connection, no goroutine yet.
func init() { abi.Register(&plugin{}) }

// The Go tool wants a main function in every plugin; nobody calls it.
func main() {}

// plugin is the one value for the whole library.
type plugin struct {
	log *api.Logger
}

// Info is mandatory. The name is the library's file name without ".so".
func (p *plugin) Info() api.Info {
	return api.NewInfo("avir_sample", "Sample plugin without an antivirus, version "+version,
		// Optional: what the administrator can set. Every option has a
		// default, and the plugin must start with it.
		api.Option{Name: "Option 1", Default: "0"},
		api.Option{Name: "Option 2", Default: "a string"},
		// Optional fields of Info: ScanTimeout bounds one scan, five minutes
		// otherwise; Inline is for scanners that never miss the deadline.
	)
}

// Init is mandatory. Connect to the antivirus here, check the options, start
// goroutines with api.Go, and keep the log. The text of the error is what the
// administrator reads when the antivirus doesn't start.
func (p *plugin) Init(cfg api.Config, log *api.Logger) error {
	p.log = log
	log.Debugf("avir_sample %s starts: Option 1 is %q, Option 2 is %q", version, cfg.Get("Option 1"), cfg.Get("Option 2"))
	return nil
}

// NewScanner is mandatory. Each of the host's threads gets one; here belongs
// what must not be shared, such as a connection to the antivirus.
func (p *plugin) NewScanner() (api.Scanner, error) {
	return &scanner{log: p.log}, nil
}

// Close is mandatory. End here what Init began: Init may come again.
func (p *plugin) Close() error {
	p.log.Debugf("avir_sample stops")
	return nil
}

// scanner is the state of one host thread.
type scanner struct {
	log *api.Logger
}

// verdicts are what an antivirus would say about the harness's samples.
var verdicts = map[string]api.Result{
	"clean.exe":    {Verdict: api.OK},
	"empty.file":   {Verdict: api.OK},
	"huge.file":    {Verdict: api.OK},
	"eicar.com":    {Verdict: api.VirusFound, Text: "Eicar-Test-Signature"},
	"eicar.zip":    {Verdict: api.VirusFound, Text: "Eicar-Test-Signature"},
	"eicarpwd.zip": {Verdict: api.Impossible, Text: "encrypted archive"},
}

// Scan is mandatory. A real plugin gives file.Path to its antivirus, stops
// when ctx is done, and answers OK only for what was scanned to the end.
func (s *scanner) Scan(_ context.Context, file api.File) api.Result {
	// Without O_NONBLOCK, opening a pipe would wait for its other end.
	opened, err := os.OpenFile(file.Path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return api.Result{Verdict: api.Failed, Text: "no such file"}
	}
	if err != nil {
		reason := errors.Unwrap(err) // without the path, which may be longer than a line of the log
		s.log.Errorf("%v: scan of %s", reason, file.Path)
		return api.Result{Verdict: api.Failed, Text: reason.Error()}
	}
	defer opened.Close()
	if info, err := opened.Stat(); err != nil || !info.Mode().IsRegular() {
		return api.Result{Verdict: api.Failed, Text: "not a regular file"}
	}
	if result, known := verdicts[filepath.Base(file.Path)]; known {
		return result
	}
	// Nothing looked into this file, so it must not be called clean.
	return api.Result{Verdict: api.Impossible, Text: "only the harness's samples are known"}
}

// Close is mandatory. It frees what NewScanner made for this thread.
func (s *scanner) Close() error { return nil }

// The plugin avir_command scans with a command-line scanner that is called as
// clamscan is: its exit status is 0 for clean, 1 for infected, anything else for
// an error, and its output names what was found, "FILE: NAME FOUND".
//
// It shows how a plugin runs a program in a host that it knows nothing about:
// with package program of the SDK, never with os/exec.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/api/abi"
	"github.com/avirkit/avirkit/api/program"
)

func init() { abi.Register(&plugin{}) }
func main() {}

type plugin struct {
	log     *api.Logger
	scanner string
	options []string
}

func (p *plugin) Info() api.Info {
	info := api.NewInfo("avir_command", "Command-line scanner, plugin 1.0",
		api.Option{Name: "Scanner", Default: "/usr/bin/clamdscan"},
		api.Option{Name: "Arguments", Default: "--no-summary --stdout --fdpass"},
	)
	info.ScanTimeout = time.Minute
	return info
}

func (p *plugin) Init(cfg api.Config, log *api.Logger) error {
	p.log, p.scanner, p.options = log, cfg.Get("Scanner"), strings.Fields(cfg.Get("Arguments"))
	if st, err := os.Stat(p.scanner); err != nil || !filepath.IsAbs(p.scanner) || st.Mode()&0o111 == 0 {
		return fmt.Errorf("option Scanner: %q is no program: give its absolute path", p.scanner)
	}
	return nil
}

func (p *plugin) NewScanner() (api.Scanner, error) { return scanner{p}, nil }
func (p *plugin) Close() error                     { return nil }

type scanner struct{ *plugin }

func (s scanner) Close() error { return nil }

// Scan hands the scanner a path. A relative one, or one that begins with "-",
// would mean something else to it.
func (s scanner) Scan(ctx context.Context, file api.File) api.Result {
	if err := regular(file.Path); err != nil {
		return api.Result{Verdict: api.Failed, Text: err.Error()}
	}
	path, err := filepath.Abs(file.Path)
	if err != nil {
		return api.Result{Verdict: api.Failed, Text: err.Error()}
	}
	ended, err := program.Command{Path: s.scanner, Args: append(s.options[:len(s.options):len(s.options)], path)}.Run(ctx)
	switch {
	case err != nil:
		s.log.Errorf("%v", err)
		return api.Result{Verdict: api.Failed, Text: "the scanner did not answer"}
	case ended.ExitCode == 0:
		return api.Result{Verdict: api.OK}
	case ended.ExitCode == 1:
		return found(ended.Stdout)
	}
	s.log.Errorf("%s ended with status %d: %s", s.scanner, ended.ExitCode, bytes.TrimSpace(append(ended.Stdout, ended.Stderr...)))
	return api.Result{Verdict: api.Failed, Text: "the scanner failed"}
}

// regular refuses what is no regular file: a FIFO would let the scanner wait.
func regular(path string) error {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	var problem *os.PathError
	if errors.As(err, &problem) {
		return problem.Err // without the path, which may be longer than a text for the host
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	return nil
}

// found reads the last line that names something.
func found(output []byte) api.Result {
	text := strings.TrimSpace(string(output))
	_, name, _ := strings.Cut(text[strings.LastIndexByte(text, '\n')+1:], ": ")
	for i := strings.Index(name, ": "); i >= 0; i = strings.Index(name, ": ") {
		name = name[i+2:] // the path may hold a colon
	}
	name = strings.TrimSuffix(name, " FOUND")
	if strings.HasPrefix(name, "Heuristics.Encrypted.") {
		return api.Result{Verdict: api.Impossible, Text: name}
	}
	return api.Result{Verdict: api.VirusFound, Text: name}
}

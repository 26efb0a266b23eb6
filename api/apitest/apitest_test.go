package apitest

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/avirkit/avirkit/api"
)

// example is a plugin with one fault, or none.
type example struct{ fault string }

func (p *example) Info() api.Info {
	name := "avir_example"
	if p.fault == "info" {
		name = "example"
	}
	return api.NewInfo(name, "Example, version 1", api.Option{Name: "Port", Default: "0"})
}

func (p *example) Init(cfg api.Config, log *api.Logger) error {
	log.Debugf("port %s", cfg.Get("port"))
	switch p.fault {
	case "init":
		return errors.New("can't start")
	case "leak":
		api.Go(log, func() { select {} })
	}
	return nil
}

func (p *example) NewScanner() (api.Scanner, error) {
	if p.fault == "scanner" {
		return nil, errors.New("no scanner")
	}
	return p.scanner(), nil
}

func (p *example) scanner() api.Scanner { return &exampleScanner{p.fault} }

func (p *example) Close() error {
	if p.fault == "close" {
		return errors.New("can't stop")
	}
	return nil
}

type exampleScanner struct{ fault string }

func (s *exampleScanner) Scan(_ context.Context, file api.File) api.Result {
	if s.fault == "panic" {
		panic("scan")
	}
	if _, err := os.Stat(file.Path); err != nil && s.fault != "clean" {
		return api.Result{Verdict: api.Failed, Text: err.Error()}
	}
	return api.Result{Verdict: api.OK}
}

func (s *exampleScanner) Close() error { return nil }

func TestGoodPluginPasses(t *testing.T) {
	lines := Check(t, &example{}, api.Setting{Name: "PORT", Value: "7"})
	assert.Contains(t, lines, "External_plugin: port 7")
}

func TestEachFaultIsFound(t *testing.T) {
	for fault, want := range map[string]string{
		"info":    "begin it with avir_",
		"init":    "can't start",
		"scanner": "no scanner",
		"close":   "can't stop",
		"clean":   "Scan of a missing file: OK",
		"panic":   "the plugin panicked: scan",
		"leak":    "leaves goroutines behind",
	} {
		t.Run(fault, func(t *testing.T) {
			assert.Contains(t, complaints(t, &example{fault: fault}), want)
		})
	}
	assert.Contains(t, complaints(t, &example{}, api.Setting{Name: "Prot"}), `no option "Prot"`)
}

// complaints returns what Check says about plugin.
func complaints(t *testing.T, plugin api.Plugin, set ...api.Setting) string {
	record := &recorder{TB: t}
	done := make(chan struct{})
	go func() { // Fatalf ends the goroutine
		defer close(done)
		Check(record, plugin, set...)
	}()
	<-done
	return strings.Join(record.said, "\n")
}

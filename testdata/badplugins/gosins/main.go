//lint:file-ignore SA5002,SA4017,SA5007 the sins are deliberate

// Gosins is a plugin in Go that commits the sin which its option Sin names.
// Most of them are what a plugin's author may do by mistake; the SDK absorbs
// what can be absorbed, and a check of the harness finds the rest.
package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/api/abi"
)

func init() { abi.Register(&plugin{}) }

func main() {}

type plugin struct {
	sin string
	log *api.Logger
}

func (*plugin) Info() api.Info {
	info := api.NewInfo("avir_gosins", "A plugin in Go with one sin 1.0", api.Option{Name: "Sin"})
	info.ScanTimeout = 200 * time.Millisecond
	return info
}

func (p *plugin) Init(cfg api.Config, log *api.Logger) error {
	p.sin, p.log = cfg.Get("Sin"), log
	if p.sin == "panic in Init" {
		panic("a panic in Init")
	}
	return nil
}

func (p *plugin) NewScanner() (api.Scanner, error) {
	if p.sin == "panic in NewScanner" {
		panic("a panic in NewScanner")
	}
	return &scanner{p}, nil
}

func (p *plugin) Close() error {
	if p.sin == "panic in Close" {
		panic("a panic in Close")
	}
	return nil
}

type scanner struct{ *plugin }

func (s *scanner) Close() error { return nil }

// leaked keeps what leaks from the garbage collector.
var leaked struct {
	sync.Mutex
	all [][]byte
}

func (s *scanner) Scan(ctx context.Context, file api.File) api.Result {
	switch s.sin {
	case "panic in Scan":
		panic("a panic in Scan")
	case "panic in a goroutine":
		go func() { panic("a panic that nobody recovers") }()
		<-ctx.Done()
	case "panic in api.Go":
		api.Go(s.log, func() { panic("a panic that api.Go recovers") })
	case "bad address":
		var nothing *scanner
		s.log = nothing.log
	case "hang":
		select {}
	case "spin":
		for {
		}
	case "os.Exit":
		os.Exit(3)
	case "runtime.Goexit":
		runtime.Goexit()
	case "endless recursion":
		recurse(1)
	case "result 7":
		return api.Result{Verdict: 7}
	case "hostile text":
		s.log.Errorf("%s\r\nERR: forged \x1b[2J %%n%%s %s", file.Path, strings.Repeat("x", 10_000))
		return api.Result{Verdict: api.VirusFound, Text: "\xff%n\r\n" + strings.Repeat("x", 10_000)}
	case "leak a descriptor":
		_, _ = syscall.Open(file.Path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	case "leak a goroutine":
		go func() { select {} }()
	case "leak memory":
		leaked.Lock()
		leaked.all = append(leaked.all, bytes.Repeat([]byte("x"), 1024))
		leaked.Unlock()
	}
	return scan(file.Path)
}

func recurse(n int) int { return recurse(n+1) + n }

// scan is honest about small files.
func scan(path string) api.Result {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return api.Result{Verdict: api.Failed, Text: err.Error()}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return api.Result{Verdict: api.Failed, Text: err.Error()}
	}
	switch {
	case bytes.Contains(data, []byte("EICAR-STAND"+"ARD-ANTIVIRUS-TEST-FILE")):
		return api.Result{Verdict: api.VirusFound, Text: "Eicar-Test-Signature"}
	case len(data) > 6 && bytes.HasPrefix(data, []byte("PK\x03\x04")) && data[6]&1 != 0:
		return api.Result{Verdict: api.Impossible, Text: "encrypted"}
	}
	return api.Result{Verdict: api.OK}
}

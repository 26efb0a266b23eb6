// A plugin that does what its caller asks for in the file name: the
// counterpart of host.c.
package main

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/api/abi"
)

func init() { abi.Register(&plugin{}) }

func main() {}

type plugin struct{ log *api.Logger }

func (p *plugin) Info() api.Info {
	if os.Getenv("AVIR_TEST_INFO") == "goexit" {
		runtime.Goexit()
	}
	info := api.NewInfo("avir_test", "Plugin of the SDK's own tests, version 1",
		api.Option{Name: "Mode", Default: "good"}, api.Option{Name: "Empty", Default: ""})
	info.ScanTimeout = 300 * time.Millisecond
	info.Inline = os.Getenv("AVIR_TEST_INLINE") == "1"
	return info
}

func (p *plugin) Init(cfg api.Config, log *api.Logger) error {
	p.log = log
	switch cfg.Get("mode") {
	case "fail":
		return errors.New("told to fail:\nžluťoučký")
	case "panic":
		panic("init")
	case "goexit":
		runtime.Goexit()
	case "chatter": // logs for ever, as if Close had forgotten a goroutine
		api.Go(log, func() {
			for {
				log.Debugf("chatter")
			}
		})
	}
	return nil
}

func (p *plugin) NewScanner() (api.Scanner, error) { return &scanner{p.log}, nil }

func (p *plugin) Close() error { return nil }

type scanner struct{ log *api.Logger }

func (s *scanner) Scan(ctx context.Context, file api.File) api.Result {
	switch file.Path {
	case "noop":
		return api.Result{Verdict: api.OK}
	case "long":
		return api.Result{Verdict: api.VirusFound, Text: strings.Repeat("x", 600)}
	case "utf8":
		return api.Result{Verdict: api.VirusFound, Text: "Žlutý\x01\n"}
	case "seven":
		return api.Result{Verdict: 7}
	case "cured":
		return api.Result{Verdict: api.VirusCured, Text: "Cured"}
	case "panic":
		panic(strings.Repeat("scan ", 400))
	case "nil":
		var p *int
		*p = 1
	case "wild":
		*(*int)(wild()) = 1
	case "goexit":
		runtime.Goexit()
	case "format":
		s.log.Errorf("%s", "%n%s\x07 "+strings.Repeat("y", 10000))
	case "wait":
		<-ctx.Done()
		return api.Result{Verdict: api.Failed, Text: ctx.Err().Error()}
	case "stack":
		if err := checkStacks(); err != nil {
			return api.Result{Verdict: api.Failed, Text: err.Error()}
		}
	case "spin": // until the collector has interrupted this very loop
		var done atomic.Bool
		api.Go(s.log, func() { runtime.GC(); done.Store(true) })
		for !done.Load() {
		}
	case "pipe":
		return writeToBrokenPipe()
	case "program":
		return runProgram(ctx)
	case "endless program":
		return runEndlessProgram(ctx)
	case "threads":
		useThreads(30)
	case "hang":
		select {}
	case "gc":
		runtime.GC()
	case "realname":
		return api.Result{Verdict: api.Impossible, Text: file.RealName}
	default:
		return api.Result{Verdict: api.Impossible, Text: file.Path}
	}
	return api.Result{Verdict: api.OK}
}

func (s *scanner) Close() error { return nil }

// The plugin avir_http scans with a service behind HTTP: it posts the file and
// reads one line, "OK", "VIRUS name" or "IMPOSSIBLE reason".
//
// It shows that a plugin may use net/http, and how it keeps the promises to the
// host: a deadline, no proxy out of the host's environment, and idle
// connections that end with the plugin.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/api/abi"
)

func init() { abi.Register(&plugin{}) }
func main() {}

type plugin struct {
	client *http.Client
	url    string
}

func (p *plugin) Info() api.Info {
	info := api.NewInfo("avir_http", "Scanning service behind HTTP, plugin 1.0",
		api.Option{Name: "URL", Default: "http://127.0.0.1:8080/scan"})
	info.ScanTimeout = 20 * time.Second
	return info
}

func (p *plugin) Init(cfg api.Config, _ *api.Logger) error {
	p.url = cfg.Get("URL")
	if u, err := url.Parse(p.url); err != nil || u.Scheme != "http" || u.Host == "" {
		return fmt.Errorf("option URL: %q is no http URL", p.url)
	}
	p.client = &http.Client{Transport: &http.Transport{
		Proxy: nil, MaxIdleConnsPerHost: 8, IdleConnTimeout: 30 * time.Second, ResponseHeaderTimeout: 20 * time.Second,
	}}
	return nil
}

func (p *plugin) NewScanner() (api.Scanner, error) { return scanner{p}, nil }

func (p *plugin) Close() error {
	p.client.CloseIdleConnections()
	return nil
}

type scanner struct{ *plugin }

func (s scanner) Close() error { return nil }

func (s scanner) Scan(ctx context.Context, file api.File) api.Result {
	result, err := s.ask(ctx, file.Path)
	var problem *os.PathError
	switch {
	case errors.As(err, &problem):
		return api.Result{Verdict: api.Failed, Text: problem.Err.Error()}
	case err != nil:
		return api.Result{Verdict: api.Failed, Text: err.Error()}
	}
	return result
}

func (s scanner) ask(ctx context.Context, path string) (api.Result, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return api.Result{}, err
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil || !before.Mode().IsRegular() {
		return api.Result{}, errors.New("not a regular file")
	}
	if before.Size() == 0 {
		return api.Result{Verdict: api.OK}, nil
	}
	if before.Size() > 100<<20 {
		return api.Result{Verdict: api.Impossible, Text: "larger than the service takes"}, nil
	}
	// The body ends where the file ended when it was opened; net/http refuses
	// one that turns out shorter.
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, io.LimitReader(f, before.Size()))
	if err != nil {
		return api.Result{}, err
	}
	request.ContentLength = before.Size()
	answer, err := s.client.Do(request)
	if err != nil {
		return api.Result{}, errors.New("the service did not answer: " + errors.Unwrap(err).Error())
	}
	defer answer.Body.Close()
	line, err := bufio.NewReader(io.LimitReader(answer.Body, 1000)).ReadString('\n')
	if err != nil || answer.StatusCode != http.StatusOK {
		return api.Result{}, fmt.Errorf("the service said %s", answer.Status)
	}
	word, text, _ := strings.Cut(strings.TrimSpace(line), " ")
	verdict, known := map[string]api.Verdict{"OK": api.OK, "VIRUS": api.VirusFound, "IMPOSSIBLE": api.Impossible}[word]
	if !known {
		return api.Result{}, fmt.Errorf("the service said %q", word)
	}
	return api.Result{Verdict: verdict, Text: text}, nil
}

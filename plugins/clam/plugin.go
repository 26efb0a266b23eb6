package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/clamd"
	"github.com/avirkit/avirkit/plugins/clam/statusfile"
)

// version is the plugin's own. A release build sets it with
// -ldflags "-X main.version=1.2.3".
var version = "0.2.0"

// plugin connects package clamd to the host.
type plugin struct {
	client *clamd.Client    // between Init and Close
	status *statusfile.File // the same; nil without the option StatusFile
}

// Info implements api.Plugin.
func (p *plugin) Info() api.Info {
	// The console has 127 characters for it. docs/administrator.md tells the rest.
	description := fmt.Sprintf("ClamAV (clamd) antivirus plugin %.16s. "+
		"Address: host[:port], [IPv6]:port or /socket, commas between.", version)
	info := api.NewInfo("avir_clam", description, options...)
	// The longest ScanTimeout that an administrator can choose; package
	// clamd keeps to the one that is set.
	info.ScanTimeout = maxScanTimeout + time.Minute
	info.Inline = true
	return info
}

// Init implements api.Plugin: it returns when a clamd answers and finds a
// test virus, or when StartupTimeout is over.
func (p *plugin) Init(cfg api.Config, log *api.Logger) error {
	config, err := parseOptions(cfg, log)
	if err != nil {
		return err
	}
	client := clamd.New(config)
	if err := client.Start(); err != nil {
		return err
	}
	p.client = client
	if path := statusPath(cfg, log); path != "" {
		p.status = statusfile.Open(path, version, client, log)
	}
	return nil
}

// NewScanner implements api.Plugin.
func (p *plugin) NewScanner() (api.Scanner, error) {
	if p.client == nil {
		return nil, errors.New("the plugin is not initialised")
	}
	return scanner{p.client.NewScanner(), p.status}, nil
}

// Close implements api.Plugin.
func (p *plugin) Close() error {
	if p.client != nil {
		p.status.Close()
		p.client.Close()
		p.client, p.status = nil, nil
	}
	return nil
}

// scanner is a clamd.Scanner whose connections belong to the client.
type scanner struct {
	*clamd.Scanner
	status *statusfile.File
}

// Scan implements api.Scanner.
func (s scanner) Scan(ctx context.Context, file api.File) api.Result {
	began := time.Now()
	r := s.Scanner.Scan(ctx, file)
	s.status.Scanned(r.Verdict, time.Since(began))
	return r
}

// Close implements api.Scanner. There is nothing to free.
func (s scanner) Close() error { return nil }

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/clamd"
)

// version is the plugin's own. A release build sets it with
// -ldflags "-X main.version=1.2.3".
var version = "0.1.0"

// plugin connects package clamd to the host.
type plugin struct {
	client *clamd.Client // between Init and Close
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
	return nil
}

// NewScanner implements api.Plugin.
func (p *plugin) NewScanner() (api.Scanner, error) {
	if p.client == nil {
		return nil, errors.New("the plugin is not initialised")
	}
	return scanner{p.client.NewScanner()}, nil
}

// Close implements api.Plugin.
func (p *plugin) Close() error {
	if p.client != nil {
		p.client.Close()
		p.client = nil
	}
	return nil
}

// scanner is a clamd.Scanner whose connections belong to the client.
type scanner struct{ *clamd.Scanner }

// Scan implements api.Scanner.
func (s scanner) Scan(ctx context.Context, file api.File) api.Result {
	return s.Scanner.Scan(ctx, file)
}

// Close implements api.Scanner.
func (s scanner) Close() error {
	s.Scanner.Close()
	return nil
}

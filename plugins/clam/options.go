package main

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/clamd"
)

// options is what the administrator sees. The first three are those of the
// product's original plugin.
var options = []api.Option{
	{Name: "Address", Default: "127.0.0.1"},
	{Name: "Port", Default: "3310"},
	{Name: "StartupTimeout", Default: "90"},
	{Name: "ScanTimeout", Default: "180"},
	{Name: "MaxFileSize", Default: "100M"},
	{Name: "Mode", Default: string(clamd.Auto)},
	{Name: "OnLimit", Default: "impossible"},
	{Name: "OnEncrypted", Default: "impossible"},
	{Name: "LogLevel", Default: "warning"},
	{Name: "SelfTest", Default: "600"},
	{Name: "Names", Default: ""},
	{Name: "StatusFile", Default: ""},
}

// Bounds of the options that are numbers.
const (
	minStartupTimeout = 10 * time.Second
	maxStartupTimeout = 100 * time.Second

	minScanTimeout = 5 * time.Second
	maxScanTimeout = time.Hour

	minSelfTest = 10 * time.Second
	maxSelfTest = 24 * time.Hour

	// clamd itself can't scan more: sizes are 32 bits wide in INSTREAM.
	maxMaxFileSize = 4<<30 - 1
)

var modes = map[string]clamd.Mode{
	"auto":     clamd.Auto,
	"fildes":   clamd.Fildes,
	"instream": clamd.Instream,
}

var policies = map[string]api.Verdict{
	"impossible": api.Impossible,
	"failed":     api.Failed,
	"virus":      api.VirusFound,
}

var levels = map[string]slog.Level{
	"error":   slog.LevelError,
	"warning": slog.LevelWarn,
	"debug":   slog.LevelDebug,
}

// parseOptions reads the configuration. A wrong value doesn't keep the
// antivirus from starting: a warning names it and what is used instead. Only
// an Address without a server in it does, because any other clamd than the
// chosen one would be the wrong one.
func parseOptions(cfg api.Config, log *api.Logger) (clamd.Config, error) {
	p := parser{cfg, log}
	log.SetLevel(choice(p, "LogLevel", levels))
	c := clamd.Config{
		Mode:           choice(p, "Mode", modes),
		StartupTimeout: p.seconds("StartupTimeout", minStartupTimeout, maxStartupTimeout),
		ScanTimeout:    p.seconds("ScanTimeout", minScanTimeout, maxScanTimeout),
		SelfTest:       p.seconds("SelfTest", minSelfTest, maxSelfTest),
		MaxFileSize:    p.size("MaxFileSize"),
		OnLimit:        choice(p, "OnLimit", policies),
		OnEncrypted:    choice(p, "OnEncrypted", policies),
		Names:          p.names(),
		Log:            log,
	}
	var err error
	if c.Servers, err = p.servers(p.port()); err != nil {
		return c, err
	}
	if c.Mode == clamd.Fildes {
		for _, s := range c.Servers {
			if s.Network != "unix" {
				log.Warningf("option Mode: fildes needs a unix socket: INSTREAM is used for %s", s)
			}
		}
	}
	return c, nil
}

// parser reads options one by one.
type parser struct {
	cfg api.Config
	log *api.Logger
}

// value returns an option's value without the spaces around it.
func (p parser) value(name string) string { return strings.TrimSpace(p.cfg.Get(name)) }

// standard returns an option's default.
func standard(name string) string {
	for _, o := range options {
		if o.Name == name {
			return o.Default
		}
	}
	return ""
}

// refuse warns that an option's value is not used, but another one.
func (p parser) refuse(name string, problem any, instead string) {
	p.log.Warningf("option %s: value %q: %v; %s is used", name, p.value(name), problem, instead)
}

// choice reads an option that is one word of several, in any case.
func choice[T any](p parser, name string, words map[string]T) T {
	if v, ok := words[strings.ToLower(p.value(name))]; ok {
		return v
	}
	known := make([]string, 0, len(words))
	for word := range words {
		known = append(known, word)
	}
	slices.Sort(known)
	p.refuse(name, "not one of "+strings.Join(known, ", "), standard(name))
	return words[standard(name)]
}

// seconds reads a time and moves it between its bounds.
func (p parser) seconds(name string, low, high time.Duration) time.Duration {
	n, err := strconv.Atoi(p.value(name))
	if err != nil && !errors.Is(err, strconv.ErrRange) { // out of range is as far as it goes
		n, _ = strconv.Atoi(standard(name))
		p.refuse(name, "not a number of seconds", standard(name))
	}
	// Compared in seconds, as a duration could overflow.
	if bounded := max(int(low/time.Second), min(n, int(high/time.Second))); bounded != n {
		n = bounded
		p.refuse(name, fmt.Sprintf("not from %d to %d seconds", low/time.Second, high/time.Second), strconv.Itoa(n))
	}
	return time.Duration(n) * time.Second
}

// size reads a number of bytes with K, M or G.
func (p parser) size(name string) int64 {
	n, ok := parseSize(p.value(name))
	if !ok {
		n, _ = parseSize(standard(name))
		p.refuse(name, "not a size from 1 to 4294967295 bytes, as 500K, 100M or 1G", standard(name))
	}
	return n
}

func parseSize(s string) (n int64, ok bool) {
	digits := strings.TrimRight(strings.ToUpper(s), "B")
	shift := 0
	for unit, bits := range map[string]int{"K": 10, "M": 20, "G": 30} {
		if rest, found := strings.CutSuffix(digits, unit); found {
			digits, shift = rest, bits
			break
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 33)
	if err != nil || n < 1 || n<<shift > maxMaxFileSize {
		return 0, false
	}
	return n << shift, true
}

func (p parser) port() int {
	n, err := strconv.Atoi(p.value("Port"))
	if err != nil || n < 1 || n > 65535 {
		p.refuse("Port", "not a number from 1 to 65535", standard("Port"))
		n, _ = strconv.Atoi(standard("Port"))
	}
	return n
}

func (p parser) servers(port int) ([]clamd.Address, error) {
	servers, err := clamd.ParseAddresses(p.value("Address"), port)
	if len(servers) == 0 {
		if err == nil {
			err = errors.New("it names no server")
		}
		return nil, fmt.Errorf("option Address: %s; write host, host:port, [IPv6]:port or the absolute path of a unix socket", oneLine(err))
	}
	if err != nil {
		var used []string
		for _, s := range servers {
			used = append(used, s.String())
		}
		p.log.Warningf("option Address: %s is used: %s", strings.Join(used, ", "), oneLine(err))
	}
	return servers, nil
}

// statusPath reads the option StatusFile; "" is for none.
func statusPath(cfg api.Config, log *api.Logger) string {
	p := parser{cfg, log}
	path := p.value("StatusFile")
	if path != "" && !filepath.IsAbs(path) {
		p.refuse("StatusFile", "not an absolute path", "none")
		return ""
	}
	return path
}

// names reads the verdicts for signature names.
func (p parser) names() []clamd.NameRule {
	rules, err := clamd.ParseNames(p.value("Names"))
	if err != nil {
		p.log.Warningf("option Names: left out: %s", oneLine(err))
	}
	return rules
}

// oneLine writes joined errors in one line of the log.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

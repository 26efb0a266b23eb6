package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/avirkit/avirkit/harness/avirctl/machine"
	"github.com/avirkit/avirkit/harness/avirctl/product"
	"github.com/avirkit/avirkit/harness/host"
)

// callLimit bounds one call of the plugin. It is longer than the default
// ScanTimeout; plugin_init has several times as much.
const callLimit = 200 * time.Second

// Session is a plugin in a host of its own, started as the product does.
type Session struct {
	setup host.Setup
	host  *host.Host
	User  machine.User  // who runs the host
	Init  time.Duration // that plugin_init took
	shown int           // lines of the log that Logs has returned
}

// Open starts the library in the host that fits it.
func Open(ctx context.Context, l product.Library, o Options, user machine.User) (*Session, error) {
	if l.Platform == nil {
		return nil, fmt.Errorf("%s: %s", l.Path, l.Problem)
	}
	avserver, err := findHost(o.Hosts, l.Platform)
	if err != nil {
		return nil, err
	}
	s := &Session{setup: host.Setup{Avserver: avserver, Plugin: o.Machine.Path(l.Path), Settings: o.Settings, Limit: callLimit}}
	if credential(user) != nil {
		s.User = user
	}
	if s.host, err = host.StartAs(ctx, avserver, nil, nil, credential(user)); err != nil {
		return nil, err
	}
	if s.Init, err = s.setup.Begin(s.host); err == nil {
		const threads = 8
		err = s.setup.StartWorkers(s.host, threads, time.Second)
	}
	if err != nil {
		_ = s.Close() // the first error tells why
		return s, err
	}
	return s, nil
}

// credential is nil where this process can't, or need not, be another user.
func credential(user machine.User) *syscall.Credential {
	if os.Geteuid() != 0 || user.UID == 0 {
		return nil
	}
	c := &syscall.Credential{Uid: uint32(user.UID), Gid: uint32(user.GID)}
	for _, g := range user.Groups {
		c.Groups = append(c.Groups, uint32(g))
	}
	return c
}

// findHost looks for the host of a platform.
func findHost(folders []string, p *host.Platform) (string, error) {
	for _, folder := range folders {
		path := filepath.Join(folder, p.Name, "avserver")
		if found, err := host.PlatformOfFile(path); err == nil && found == p {
			return path, nil
		}
	}
	return "", fmt.Errorf("no host program for %s: looked for %s/avserver in %v; install avirkit-tools, or name the folder with --hosts", p.Words, p.Name, folders)
}

// Scan scans one file.
func (s *Session) Scan(path string) (host.Answer, error) {
	return s.host.SendScan(path).Wait(callLimit)
}

// Logs returns what the plugin has logged since the last call.
func (s *Session) Logs() []host.Line {
	lines := s.host.Logs()[s.shown:]
	s.shown += len(lines)
	return lines
}

// Close ends the host, in order if that is possible.
func (s *Session) Close() error {
	err := s.setup.Finish(s.host)
	s.host.Close()
	return err
}

// Start starts the plugin that the options name, or the product's.
func Start(ctx context.Context, o Options) (*Session, error) {
	r, err := newRun(ctx, o)
	if err != nil {
		return nil, err
	}
	if r.library.Path == "" {
		return nil, errors.New("there is no plugin in a product's folder: name one with --plugin")
	}
	return Open(ctx, r.library, r.hostOptions(), r.user)
}

// hostOptions are the options with paths as the host sees them.
func (r *run) hostOptions() Options {
	o := r.Options
	// The file is the running server's; a test must not write to it.
	o.Settings = slices.DeleteFunc(slices.Clone(r.Settings), func(s host.Setting) bool { return equalFold(s.Name, "StatusFile") })
	for i, s := range o.Settings {
		if equalFold(s.Name, "Address") && filepath.IsAbs(s.Value) {
			o.Settings[i].Value = r.Machine.Path(s.Value)
		}
	}
	return o
}

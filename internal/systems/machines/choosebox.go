package machines

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/systems/session"
	"github.com/avirkit/avirkit/internal/systems/settings"
)

// chooser finds a box for each machine.
type chooser struct {
	Options
	provider session.Mode
	home     string // Vagrant's folder
	notes    notes
}

// choose gives each machine its box. It returns the machines that can run: one
// that nobody has named is left out if its box can't be had, which the notes
// say.
func (c *chooser) choose(ctx context.Context, machines []*settings.Machine) (some []*settings.Machine, err error) {
	var make []string
	for _, m := range machines {
		own := c.Boxes.For(m.Name)
		switch {
		case m.Chosen || own == nil:
			err = c.fetch(ctx, m)
		case c.provider == session.VirtualBox && strings.HasPrefix(m.Box, "avirkit/"):
			if len(c.Machines) > 0 {
				return nil, errors.New(noBoxForVirtualBox(m))
			}
			c.notes.say("NOT TESTED: %s", noBoxForVirtualBox(m))
			continue
		case c.provider == session.VirtualBox: // Vagrant fetches it when the machine starts
		case run.Exists(own.Path) && !c.Real, strings.HasPrefix(m.Box, "avirkit/"): // the catalogue has no such box
			c.take(m, own)
			make = append(make, m.Name)
		default:
			why := c.fetch(ctx, m)
			switch {
			case why == nil:
			case c.Real || ctx.Err() != nil:
				err = why
			default:
				first, _, _ := strings.Cut(why.Error(), "\n")
				run.Printf("%s takes a box of mage vm:box: %s", m.Name, first)
				c.take(m, own)
				make = append(make, m.Name)
			}
		}
		if err != nil {
			return nil, err
		}
		some = append(some, m)
	}
	return some, c.make(ctx, make)
}

// make makes the boxes that are to be taken. A user who can't make boxes takes
// those that are there, whatever they were made from.
func (c *chooser) make(ctx context.Context, machines []string) error {
	if os.Geteuid() != 0 {
		machines = slices.DeleteFunc(machines, func(name string) bool { return run.Exists(c.Boxes.For(name).Path) })
	}
	if len(machines) == 0 {
		return nil
	}
	return c.Boxes.Make(ctx, machines...)
}

func noBoxForVirtualBox(m *settings.Machine) string {
	return fmt.Sprintf("machine %s has no box for VirtualBox: set %s to one with %s", m.Name, settings.BoxVariable(m.Name), m.System)
}

// take gives a machine the box that mage vm:box makes.
func (c *chooser) take(m *settings.Machine, b *settings.Box) {
	m.File, m.Version, m.SHA256, m.Bootless = b.Path, "", "", true
	if !b.StandsIn {
		return
	}
	m.StandIn = b.System
	m.KernelFloor = m.For().KernelFloor // the box's own kernel is newer
	run.Printf("%s: %s stands in for %s; -real takes the real box", m.Name, b.System, m.System)
}

// fetch lets Vagrant fetch the box of a machine that is not on this machine. A
// libvirt of our own needs that before its session begins, whose namespaces
// lead to no network; elsewhere Vagrant fetches it when the machine starts.
func (c *chooser) fetch(ctx context.Context, m *settings.Machine) error {
	if !m.Remote() || c.provider != session.OwnLibvirt || hasBox(c.home, m) {
		return nil
	}
	args := []string{"box", "add", "--provider", "libvirt"}
	if m.SHA256 != "" {
		args = append(args, "--checksum", m.SHA256, "--checksum-type", "sha256")
	}
	switch {
	case m.File != "":
		args = append(args, "--name", m.Box, m.File)
	case m.Version != "":
		args = append(args, "--box-version", m.Version, m.Box)
	default:
		args = append(args, m.Box)
	}
	s, err := session.Begin(ctx, session.Options{Cache: settings.Cache(c.Root), Home: c.home})
	if err != nil {
		return err
	}
	v := vagrant{Session: s, home: c.home, dir: s.Dir}
	cmd := v.command(args...)
	said := &run.Tail{Keep: 12, Skip: chatter}
	cmd.Stdout = said
	err = run.Step(ctx, "fetch the box of "+m.Name, said.Last, func(ctx context.Context) (string, error) {
		_, err := cmd.Run(ctx)
		switch {
		case ctx.Err() != nil:
			return "", context.Cause(ctx)
		case err != nil && !strings.Contains(said.String(), "already exists"):
			return "", explain(m, said.String())
		}
		return m.Box, nil
	})
	return errors.Join(err, s.End())
}

// hasBox says whether Vagrant has a machine's box for libvirt. Newer ones
// have a folder for the architecture between the version and the provider.
func hasBox(home string, m *settings.Machine) bool {
	version := m.Version
	if version == "" || m.File != "" {
		version = "*"
	}
	dir := filepath.Join(home, "boxes", strings.ReplaceAll(m.Box, "/", "-VAGRANTSLASH-"), version)
	for _, pattern := range []string{"libvirt", "*/libvirt"} {
		if found, _ := filepath.Glob(filepath.Join(dir, pattern)); len(found) > 0 {
			return true
		}
	}
	return false
}

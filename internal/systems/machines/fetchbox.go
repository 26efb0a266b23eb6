package machines

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/run"
)

// fetchBoxes lets Vagrant fetch the boxes that are not on this machine, for a
// libvirt of our own: its namespaces lead to no network. The machines whose
// box can't be had, and was chosen by nobody, get a stand-in, which is made
// now. The caller holds the lock.
func fetchBoxes(ctx context.Context, o Options, home string, machines []*Machine) error {
	missing := slices.DeleteFunc(slices.Clone(machines), func(m *Machine) bool { return !remote(m) || hasBox(home, m) })
	if len(missing) == 0 {
		return nil
	}
	cache := cacheDir(o.Root)
	s, err := begin(ctx, cache, plain, home)
	if err != nil {
		return err
	}
	failed := map[*Machine]error{}
	for _, m := range missing {
		if failed[m] = fetchBox(ctx, s, m); ctx.Err() != nil {
			break
		}
	}
	if err := s.end(false); err != nil || ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	var specs []boxSpec
	for m, why := range failed {
		spec := specFor(m.Name)
		switch {
		case why == nil:
			delete(failed, m)
			continue
		case m.chosen || spec == nil || os.Getenv("AVIR_VM_BOXES") == "real":
			return why
		}
		first, _, _ := strings.Cut(why.Error(), "\n")
		run.Printf("%s gets a stand-in: %s", m.Name, first)
		specs = append(specs, *spec)
	}
	if len(specs) == 0 {
		return nil
	}
	if err := makeBoxes(ctx, o, specs); err != nil {
		for _, why := range failed {
			err = errors.Join(err, why)
		}
		return err
	}
	for m := range failed {
		m.standIn(cache, *specFor(m.Name))
	}
	return nil
}

// remote says whether a machine's box is not a file of this machine.
func remote(m *Machine) bool { return m.File == "" || strings.Contains(m.File, "://") }

// hasBox says whether Vagrant has a machine's box for libvirt. Newer ones
// have a folder for the architecture between the version and the provider.
func hasBox(home string, m *Machine) bool {
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

// fetchBox lets Vagrant fetch one box.
func fetchBox(ctx context.Context, s *session, m *Machine) error {
	args := []string{"box", "add", "--provider", "libvirt"}
	switch {
	case m.File != "":
		args = append(args, "--name", m.Box, m.File)
	case m.Version != "":
		args = append(args, "--box-version", m.Version, m.Box)
	default:
		args = append(args, m.Box)
	}
	c := s.vagrantCommand([]string{"VAGRANT_HOME=" + s.home, "VAGRANT_CWD=" + s.dir, "VAGRANT_CHECKPOINT_DISABLE=1", "VAGRANT_NO_COLOR=1"}, args...)
	var last lastLine
	var said complaint
	c.Stdout = io.MultiWriter(&last, &said)
	return run.Step(ctx, "fetch the box of "+m.Name, last.String, func(ctx context.Context) (string, error) {
		_, err := c.Run(ctx)
		switch {
		case ctx.Err() != nil:
			return "", context.Cause(ctx)
		case err != nil && !strings.Contains(said.String(), "already exists"):
			return "", explainVagrant(m, said.String())
		}
		return m.Box, nil
	})
}

// Package settings reads which machines there are and what each of them needs.
package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/avirkit/avirkit/internal/build/platform"
)

// Machine is the settings of one machine; vagrant/machines.yml explains them.
type Machine struct {
	Name     string `yaml:"-"`
	System   string `yaml:"system"`
	Platform string `yaml:"platform"`
	Box      string `yaml:"box"`
	Version  string `yaml:"version,omitempty"`
	File     string `yaml:"file,omitempty"`
	SHA256   string `yaml:"sha256,omitempty"`
	Packages string `yaml:"packages"`
	Memory   int    `yaml:"memory"` // megabytes
	CPUs     int    `yaml:"cpus"`
	OldSSH   bool   `yaml:"old_ssh,omitempty"`
	DiskBus  string `yaml:"disk_bus,omitempty"`
	NIC      string `yaml:"nic,omitempty"`

	KernelFloor string `yaml:"kernel_floor,omitempty"` // hide system calls that are newer

	// What only a run sets.
	StandIn  string `yaml:"-"`                 // what the box really is, if not System
	Console  string `yaml:"console,omitempty"` // file that gets what the guest's serial port says
	Boot     string `yaml:"boot,omitempty"`    // folder with vmlinuz and initrd.img, instead of the box's own
	Bootless bool   `yaml:"-"`                 // the box has no boot loader; see Boxes
	Chosen   bool   `yaml:"-"`                 // the user has named the box
}

// For returns the platform of the machine's system.
func (m *Machine) For() *platform.Platform {
	for _, p := range platform.All {
		if p.Name == m.Platform {
			return p
		}
	}
	return nil
}

// Variable names a file with settings that differ from those of
// vagrant/machines.yml; without it, vagrant/local.yml is taken if it exists.
const Variable = "AVIR_VM_SETTINGS"

// BoxVariable is the environment variable that names a machine's box.
func BoxVariable(machine string) string { return "AVIR_BOX_" + strings.ToUpper(machine) }

// Load reads machines.yml in dir, then the user's file, then the boxes that the
// environment names. It returns the machines in the order of machines.yml.
func Load(dir string, env func(string) string) ([]*Machine, error) {
	path := filepath.Join(dir, "machines.yml")
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the machines: %w", err)
	}
	var order yaml.Node
	machines := map[string]*Machine{}
	if err := yaml.Unmarshal(data, &order); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := strict(path, data, &machines); err != nil {
		return nil, err
	}
	if err := userSettings(dir, env, machines); err != nil {
		return nil, err
	}
	var all []*Machine
	for i := 0; i < len(order.Content[0].Content); i += 2 {
		m := machines[order.Content[0].Content[i].Value]
		m.Name = order.Content[0].Content[i].Value
		m.takeBox(env(BoxVariable(m.Name)))
		if err := m.check(); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// takeBox sets the box that the environment names, by name or as a file.
func (m *Machine) takeBox(box string) {
	if box == "" {
		return
	}
	m.Version, m.File, m.SHA256, m.Chosen = "", "", "", true
	if strings.HasSuffix(box, ".box") {
		m.File = box
	} else {
		m.Box = box
	}
}

func userSettings(dir string, env func(string) string, machines map[string]*Machine) error {
	path := env(Variable)
	named := path != ""
	if !named {
		path = filepath.Join(dir, "local.yml")
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the file that %s names: %w", Variable, err)
	}
	var changes map[string]yaml.Node
	if err := strict(path, data, &changes); err != nil {
		return err
	}
	for name, node := range changes {
		m := machines[name]
		if m == nil {
			return fmt.Errorf("%s: no machine %s; there are: %s", path, name, strings.Join(slices.Sorted(maps.Keys(machines)), ", "))
		}
		text, err := yaml.Marshal(&node)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", path, name, err)
		}
		if err := strict(path, text, m); err != nil {
			return err
		}
		for i := 0; i < len(node.Content); i += 2 {
			m.Chosen = m.Chosen || slices.Contains([]string{"box", "file", "version"}, node.Content[i].Value)
		}
	}
	return nil
}

// strict decodes YAML and refuses keys that it does not know. An empty file
// changes nothing.
func strict(path string, data []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func (m *Machine) check() error {
	switch {
	case m.For() == nil:
		return fmt.Errorf("machine %s: platform is %q: it must be one of %s", m.Name, m.Platform, platform.Names(platform.All))
	case m.Packages != "deb" && m.Packages != "rpm":
		return fmt.Errorf("machine %s: packages is %q: it must be deb or rpm", m.Name, m.Packages)
	case m.Memory < 128:
		return fmt.Errorf("machine %s: memory is %d: it needs at least 128 megabytes", m.Name, m.Memory)
	case m.CPUs < 1:
		return fmt.Errorf("machine %s: cpus is %d: it needs at least 1", m.Name, m.CPUs)
	case m.Box == "" && m.File == "":
		return fmt.Errorf("machine %s: no box: set box or file", m.Name)
	case m.Remote():
		return nil
	}
	abs, err := filepath.Abs(m.File)
	if err != nil {
		return err
	}
	m.File = abs
	if _, err := os.Stat(abs); err != nil {
		return fmt.Errorf("machine %s: box file: %w", m.Name, err)
	}
	return nil
}

// Remote says whether the machine's box is not a file of this machine.
func (m *Machine) Remote() bool { return m.File == "" || strings.Contains(m.File, "://") }

// Pick returns the machines of the given names, or all.
func Pick(all []*Machine, names []string) ([]*Machine, error) {
	if len(names) == 0 {
		return all, nil
	}
	var picked []*Machine
	for _, name := range names {
		i := slices.IndexFunc(all, func(m *Machine) bool { return m.Name == name })
		if i < 0 {
			known := make([]string, len(all))
			for i, m := range all {
				known[i] = m.Name
			}
			return nil, fmt.Errorf("no machine %q; there are: %s", name, strings.Join(known, ", "))
		}
		if !slices.Contains(picked, all[i]) {
			picked = append(picked, all[i])
		}
	}
	return picked, nil
}

package machines

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
)

// Machine is the settings of one machine; vagrant/machines.yml explains them.
type Machine struct {
	Name        string `yaml:"-"`
	System      string `yaml:"system"`
	Box         string `yaml:"box"`
	Version     string `yaml:"version,omitempty"`
	File        string `yaml:"file,omitempty"`
	Packages    string `yaml:"packages"`
	Memory      int    `yaml:"memory"` // megabytes
	CPUs        int    `yaml:"cpus"`
	OldSSH      bool   `yaml:"old_ssh,omitempty"`
	DiskBus     string `yaml:"disk_bus,omitempty"`
	NIC         string `yaml:"nic,omitempty"`
	KernelFloor string `yaml:"kernel_floor,omitempty"`
	StandIn     string `yaml:"stand_in,omitempty"` // what the box really is, if not System
	Console     string `yaml:"console,omitempty"`  // file that gets what the guest's serial port says
	Boot        string `yaml:"boot,omitempty"`     // folder with vmlinuz and initrd.img, instead of the box's own

	chosen bool // the user has named the box
}

// boxVariable is the environment variable that names a machine's box.
func boxVariable(machine string) string { return "AVIR_BOX_" + strings.ToUpper(machine) }

// SettingsVariable names a file with settings that differ from those of
// vagrant/machines.yml; without it, vagrant/local.yml is taken if it exists.
const SettingsVariable = "AVIR_VM_SETTINGS"

// loadMachines reads the settings as the Vagrantfile does: machines.yml,
// then the user's file, then the boxes that the environment names. It returns
// the machines in the order of machines.yml.
func loadMachines(dir string, env func(string) string) ([]*Machine, error) {
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
		if box := env(boxVariable(m.Name)); box != "" {
			m.Version, m.File, m.chosen = "", "", true
			if strings.HasSuffix(box, ".box") {
				m.File = box
			} else {
				m.Box = box
			}
		}
		if err := m.check(); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

func userSettings(dir string, env func(string) string, machines map[string]*Machine) error {
	path := env(SettingsVariable)
	named := path != ""
	if !named {
		path = filepath.Join(dir, "local.yml")
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the file that %s names: %w", SettingsVariable, err)
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
			m.chosen = m.chosen || slices.Contains([]string{"box", "file", "version"}, node.Content[i].Value)
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
	case m.Packages != "deb" && m.Packages != "rpm":
		return fmt.Errorf("machine %s: packages is %q: it must be deb or rpm", m.Name, m.Packages)
	case m.Memory < 128:
		return fmt.Errorf("machine %s: memory is %d: it needs at least 128 megabytes", m.Name, m.Memory)
	case m.CPUs < 1:
		return fmt.Errorf("machine %s: cpus is %d: it needs at least 1", m.Name, m.CPUs)
	case m.Box == "" && m.File == "":
		return fmt.Errorf("machine %s: no box: set box or file", m.Name)
	}
	if m.File == "" || strings.Contains(m.File, "://") {
		return nil
	}
	if _, err := os.Stat(m.File); err != nil {
		return fmt.Errorf("machine %s: box file: %w", m.Name, err)
	}
	abs, err := filepath.Abs(m.File)
	m.File = abs
	return err
}

// pick returns the machines of the given names, or all.
func pick(all []*Machine, names []string) ([]*Machine, error) {
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

// writeSettings writes what the Vagrantfile is to take for this run.
func writeSettings(path string, machines []*Machine) error {
	all := map[string]*Machine{}
	for _, m := range machines {
		all[m.Name] = m
	}
	data, err := yaml.Marshal(all)
	if err == nil {
		err = os.WriteFile(path, data, 0o644)
	}
	if err != nil {
		return fmt.Errorf("write the settings of the machines: %w", err)
	}
	return nil
}

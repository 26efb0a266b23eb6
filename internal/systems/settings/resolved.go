package settings

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/avirkit/avirkit/internal/atomicdir"
)

// ResolvedVariable names the file that the Vagrantfile reads in a run.
const ResolvedVariable = "AVIR_VM_RESOLVED"

// OldSSH are ssh's options that allow what OpenSSH 5.3 and 5.5 have and today's
// client refuses by itself: their keys sign with SHA-1.
var OldSSH = []string{
	"HostKeyAlgorithms=+ssh-rsa",
	// The name since OpenSSH 8.5 is PubkeyAcceptedAlgorithms; both know this one.
	"PubkeyAcceptedKeyTypes=+ssh-rsa",
	"KexAlgorithms=+diffie-hellman-group-exchange-sha1,diffie-hellman-group14-sha1",
	"Ciphers=+aes128-cbc",
	"MACs=+hmac-sha1",
}

// Run is what the Vagrantfile takes for one run, with every value resolved.
type Run struct {
	Name        string              `yaml:"name"`    // of the network and the pool; the machines' names begin with it
	Driver      string              `yaml:"driver"`  // of libvirt
	Network     string              `yaml:"network"` // of libvirt, as 192.168.121.0/24
	BootTimeout int                 `yaml:"boot_timeout"`
	OldSSH      []string            `yaml:"old_ssh_options"`
	Machines    map[string]*Machine `yaml:"machines"`
}

// Write writes the values to a file.
func (r Run) Write(path string, machines []*Machine) error {
	r.OldSSH, r.Machines = OldSSH, map[string]*Machine{}
	for _, m := range machines {
		r.Machines[m.Name] = m
	}
	data, err := yaml.Marshal(r)
	if err != nil {
		return fmt.Errorf("write the settings of the machines: %w", err)
	}
	return atomicdir.WriteFile(path, data, 0o644)
}

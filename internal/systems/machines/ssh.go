package machines

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// sshHost is how a machine's sshd is reached.
type sshHost struct {
	host, user string
	port       int
	keys       []string // newer Vagrants have more than one
}

// oldSSH allows what OpenSSH 5.3 and 5.5 have and today's client refuses by
// itself: their keys sign with SHA-1.
var oldSSH = []string{
	"-o", "HostKeyAlgorithms=+ssh-rsa",
	// The name since OpenSSH 8.5 is PubkeyAcceptedAlgorithms; both know this one.
	"-o", "PubkeyAcceptedKeyTypes=+ssh-rsa",
	"-o", "KexAlgorithms=+diffie-hellman-group-exchange-sha1,diffie-hellman-group14-sha1",
	"-o", "Ciphers=+aes128-cbc",
	"-o", "MACs=+hmac-sha1",
}

// sshArgs returns the arguments for running a command line in a machine. The
// machine is new, so nothing is known of its key. forward are arguments that
// set up tunnels.
func sshArgs(h sshHost, old bool, forward []string, line string) []string {
	args := []string{
		"-F", "none", "-T", "-p", strconv.Itoa(h.port),
		"-o", "IdentitiesOnly=yes",
		"-o", "BatchMode=yes",
		"-o", "StrictHostKeyChecking=no",
		"-o", "UserKnownHostsFile=/dev/null",
		"-o", "GlobalKnownHostsFile=/dev/null",
		"-o", "LogLevel=ERROR",
		"-o", "ConnectTimeout=60",
		"-o", "ServerAliveInterval=60",
		"-o", "ServerAliveCountMax=10",
		"-o", "ExitOnForwardFailure=yes",
	}
	for _, key := range h.keys {
		args = append(args, "-i", key)
	}
	if old {
		args = append(args, oldSSH...)
	}
	return append(append(args, forward...), h.user+"@"+h.host, line)
}

// reverse returns the arguments that let the guest reach a unix socket of
// this machine at a port of its own loopback.
func reverse(port int, socket string) []string {
	return []string{"-R", fmt.Sprintf("127.0.0.1:%d:%s", port, socket)}
}

// sshHost asks Vagrant how to reach a machine.
func (v *vagrant) sshHost(ctx context.Context, m *Machine) (sshHost, error) {
	out, err := v.command("ssh-config", m.Name).Run(ctx)
	if err != nil {
		return sshHost{}, err
	}
	return parseSSHConfig(out)
}

// parseSSHConfig reads what vagrant ssh-config prints.
func parseSSHConfig(text string) (sshHost, error) {
	h := sshHost{port: 22}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		switch key {
		case "HostName":
			h.host = value
		case "User":
			h.user = value
		case "Port":
			port, err := strconv.Atoi(value)
			if err != nil {
				return h, fmt.Errorf("vagrant ssh-config: port %q", value)
			}
			h.port = port
		case "IdentityFile":
			h.keys = append(h.keys, value)
		}
	}
	if h.host == "" || h.user == "" || len(h.keys) == 0 {
		return h, errors.New("vagrant ssh-config does not tell how to reach the machine")
	}
	return h, nil
}

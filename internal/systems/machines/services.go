package machines

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/avirkit/avirkit/internal/hostdeps"
)

// policyFile is what Debian's packages ask before they start a service.
const policyFile = "/usr/sbin/policy-rc.d"

// startField is where /proc/PID/stat has the time of a process's start, counted
// from the end of its name.
const startField = 20

const policyMark = "#!/bin/sh\n# avirkit's, for the time of one installation.\n"

// withoutServices installs Debian packages, and starts no service of theirs:
// a libvirt of our own needs the programs only, and a libvirtd of the system
// would stay for good. A policy that the system has stays in force.
func withoutServices(policy string, install func() error) error {
	old, err := os.ReadFile(policy)
	if err == nil && !bytes.HasPrefix(old, []byte(policyMark)) {
		return install()
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the policy for services: %w", err)
	}
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return err
	}
	// A process id is used again; together with the time of its start it is not.
	start := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')'):]))[startField]
	// If this process is killed, the policy ends itself with its next use.
	text := fmt.Sprintf("%sgrep -qs ' %s ' /proc/%d/stat && exit 101\nrm -f \"$0\"\n", policyMark, start, os.Getpid())
	if err := os.WriteFile(policy, []byte(text), 0o755); err != nil {
		return fmt.Errorf("keep services from starting: %w", err)
	}
	err = errors.Join(os.Chmod(policy, 0o755), install())
	return errors.Join(err, os.Remove(policy))
}

// needOwn installs what a libvirt of our own consists of.
func needOwn(ctx context.Context) error {
	missing, err := hostdeps.Missing(ctx, ownPackages...)
	if err == nil && len(missing) == 0 {
		return nil
	}
	return withoutServices(policyFile, func() error { return hostdeps.Need(ctx, ownPackages...) })
}

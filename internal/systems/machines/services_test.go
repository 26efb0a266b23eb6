package machines

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnInstallationStartsNoService(t *testing.T) {
	policy := filepath.Join(t.TempDir(), "policy-rc.d")
	asked := func() int {
		cmd := exec.Command(policy, "libvirtd", "start")
		_ = cmd.Run()
		return cmd.ProcessState.ExitCode()
	}
	require.NoError(t, withoutServices(policy, func() error {
		assert.Equal(t, 101, asked(), "policy-rc.d's word for: do not start it")
		return nil
	}))
	assert.NoFileExists(t, policy)
	assert.ErrorIs(t, withoutServices(policy, func() error { return assert.AnError }), assert.AnError)
	assert.NoFileExists(t, policy)

	mine := write(t, policy, "#!/bin/sh\nexit 104\n")
	require.NoError(t, os.Chmod(mine, 0o755))
	require.NoError(t, withoutServices(policy, func() error {
		assert.Equal(t, 104, asked(), "the system's own policy stays in force")
		return nil
	}))
	assert.FileExists(t, mine)
}

func TestThePolicyOfAKilledRunForbidsNothing(t *testing.T) {
	policy := filepath.Join(t.TempDir(), "policy-rc.d")
	var text []byte
	require.NoError(t, withoutServices(policy, func() (err error) {
		text, err = os.ReadFile(policy)
		return err
	}))
	// The same process id, but another time of its start.
	start := regexp.MustCompile(`grep -qs ' (\d+) '`).FindStringSubmatch(string(text))
	require.Len(t, start, 2)
	left := strings.Replace(string(text), " "+start[1]+" ", " 1"+start[1]+" ", 1)
	require.NoError(t, os.WriteFile(policy, []byte(left), 0o755))
	require.NoError(t, exec.Command(policy, "cron", "start").Run())
	assert.NoFileExists(t, policy)

	require.NoError(t, os.WriteFile(policy, []byte(left), 0o755))
	require.NoError(t, withoutServices(policy, func() error {
		assert.Error(t, exec.Command(policy, "libvirtd", "start").Run(), "it is made anew")
		return nil
	}))
}

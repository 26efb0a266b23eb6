package run

import (
	"bufio"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestASignalIsHandedOnToTheTargets(t *testing.T) {
	require.Zero(t, handOn(syscall.SIGTERM))
	cmd := exec.Command("sh", "-c", `trap "exit 7" TERM; echo ready; read end`)
	_, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)

	assert.Equal(t, 1, handOn(syscall.SIGTERM))

	assert.EqualError(t, cmd.Wait(), "exit status 7")
}

package run

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestACommandReturnsItsStandardOutputOnly(t *testing.T) {
	out, err := Command{Name: "sh", Args: []string{"-c", "echo out; echo err >&2; printf %s \"$X\""}, Env: []string{"X=1", "X=2"}}.Run(context.Background())

	require.NoError(t, err)
	assert.Equal(t, "out\n2", out)
}

func TestACommandDoesNotGetWhatIsUnset(t *testing.T) {
	t.Setenv("X", "1")
	t.Setenv("Y", "2")

	out, err := Command{Name: "sh", Args: []string{"-c", "echo ${X-unset} $Y $Z"}, Unset: []string{"X"}, Env: []string{"Z=3"}}.Run(context.Background())

	require.NoError(t, err)
	assert.Equal(t, "unset 2 3\n", out)
}

func TestNoCommandLearnsWhereTheSigningKeyIs(t *testing.T) {
	t.Setenv("AVIR_SIGNING_KEY", "/a/secret")
	t.Setenv("AVIR_SIGNING_PASSPHRASE_FILE", "/a/secret")

	out, err := Command{Name: "env"}.Run(context.Background())

	require.NoError(t, err)
	assert.NotContains(t, out, "/a/secret")
}

func TestAFailureShowsTheCommandItsOutputAndTheHint(t *testing.T) {
	_, err := Command{Name: "sh", Args: []string{"-c", "echo why >&2; exit 3"}, Hint: "do this"}.Run(context.Background())

	require.Error(t, err)
	assert.Equal(t, "sh -c 'echo why >&2; exit 3': exit status 3\n\twhy\ndo this", err.Error())
}

func TestAMissingProgramIsNamed(t *testing.T) {
	_, err := Command{Name: "no-such-program", Hint: "install it"}.Run(context.Background())

	assert.EqualError(t, err, "no-such-program: executable file not found in $PATH\ninstall it")
}

func TestLongOutputIsCutInErrors(t *testing.T) {
	_, err := Command{Name: "sh", Args: []string{"-c", "seq 100000; exit 1"}}.Run(context.Background())

	require.Error(t, err)
	assert.Less(t, len(err.Error()), 3*errorTail)
	assert.Contains(t, err.Error(), "100000", "the end matters most")
}

func TestACancelledCommandDiesWithItsChildren(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	pids := filepath.Join(t.TempDir(), "pids")
	done := make(chan error, 1)
	go func() {
		_, err := Command{Name: "sh", Args: []string{"-c", `trap "" TERM; sleep 600 & echo $$ $! > "$0.tmp"; mv "$0.tmp" "$0"; wait; wait`, pids}}.Run(ctx)
		done <- err
	}()
	var written []byte
	require.Eventually(t, func() bool {
		var err error
		written, err = os.ReadFile(pids)
		return err == nil
	}, 30*time.Second, 10*time.Millisecond)

	cancel()

	require.ErrorIs(t, <-done, context.Canceled)
	for _, f := range strings.Fields(string(written)) {
		pid, err := strconv.Atoi(f)
		require.NoError(t, err)
		assert.Eventually(t, func() bool { return gone(pid) }, 10*time.Second, 10*time.Millisecond, "process %d", pid)
	}
}

// gone says whether a process has ended; one that nobody has waited for yet
// counts as ended.
func gone(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || strings.Contains(string(stat), ") Z ")
}

func TestQuotedCommandLinesCanBeTypedAgain(t *testing.T) {
	c := Command{Name: "prog", Args: []string{"plain", "two words", "it's", ""}, Env: []string{"A=b c", "GOPROXY=https://me:secret@proxy/x"}}

	assert.Equal(t, `'A=b c' GOPROXY=https://…@proxy/x prog plain 'two words' 'it'\''s' ''`, c.String())
}

func TestAStepPrintsWhatItDid(t *testing.T) {
	var b bytes.Buffer
	old := Out
	Out = &b
	t.Cleanup(func() { Out = old })

	require.NoError(t, Step(context.Background(), "build x", nil, func(context.Context) (string, error) { return "good", nil }))
	err := Step(context.Background(), "build y", nil, func(context.Context) (string, error) { return "", errors.New("bad") })

	assert.EqualError(t, err, "build y: bad")
	assert.Regexp(t, `^  ok build x: good \(\d+\.\d s\)\n$`, b.String())
}

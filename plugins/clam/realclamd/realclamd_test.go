package realclamd_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/baruwa-enterprise/clamd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/plugins/clam/clamdtest"
	"github.com/avirkit/avirkit/plugins/clam/realclamd"
	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

// scan asks a clamd at a unix socket for the status of content.
func scan(t *testing.T, network, address string, content []byte) (status, signature string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sample")
	require.NoError(t, os.WriteFile(path, content, 0o644))
	client, err := clamd.NewClient(network, address)
	require.NoError(t, err)
	replies, err := client.InStream(context.Background(), path)
	require.NoError(t, err)
	require.Len(t, replies, 1)
	return replies[0].Status, replies[0].Signature
}

func TestARealClamdFindsEICARAndSurvivesRestartAndReload(t *testing.T) {
	c := clamdtest.Start(t, nil)
	find := func() {
		t.Helper()
		for network, address := range map[string]string{"tcp": c.Addr, "unix": c.Socket} {
			status, name := scan(t, network, address, testvirus.EICAR())
			assert.Equal(t, "FOUND", status)
			assert.Equal(t, testvirus.SignatureName+".UNOFFICIAL", name)
			status, _ = scan(t, network, address, []byte("nothing bad in here"))
			assert.Equal(t, "OK", status)
		}
	}
	find()
	require.NoError(t, c.Reload())
	find()
	require.NoError(t, c.Restart())
	find()
	require.NoError(t, c.Kill())
	_, err := net.Dial("tcp", c.Addr)
	assert.Error(t, err)
	require.NoError(t, c.Start())
	find()
}

func TestAWrongConfigurationIsAnErrorWithClamdsWords(t *testing.T) {
	clamdtest.Need(t)
	_, err := realclamd.New(t.TempDir(), map[string]string{"NoSuchOption": "yes"})
	require.Error(t, err)
	assert.Contains(t, err.Error(), "NoSuchOption")
}

func TestClamdOutlivesTheThreadThatStartedIt(t *testing.T) {
	c := clamdtest.Start(t, nil)
	require.NoError(t, c.Stop())
	var task string
	var started error
	onThreadThatEnds(func() {
		task = fmt.Sprintf("/proc/self/task/%d", syscall.Gettid())
		started = c.StartLater()
	})
	require.NoError(t, started)
	require.Eventually(t, func() bool {
		_, err := os.Stat(task)
		return os.IsNotExist(err)
	}, 20*time.Second, 10*time.Millisecond, "the thread has not ended")
	assert.NoError(t, c.WaitReady(time.Minute))
}

// onThreadThatEnds runs f on a thread that ends with it. The main thread
// never does, so it is kept busy if it comes first.
func onThreadThatEnds(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // not unlocked: that ends the thread
		if syscall.Gettid() == os.Getpid() {
			onThreadThatEnds(f)
			runtime.UnlockOSThread()
			return
		}
		f()
	}()
	<-done
}

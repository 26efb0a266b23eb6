package clamdtest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/baruwa-enterprise/clamd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
	c := Start(t, nil)
	find := func() {
		t.Helper()
		for network, address := range map[string]string{"tcp": c.Addr, "unix": c.Socket} {
			status, name := scan(t, network, address, EICAR())
			assert.Equal(t, "FOUND", status)
			assert.Equal(t, SignatureName+".UNOFFICIAL", name)
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
	assert.Error(t, ping("tcp", c.Addr))
	require.NoError(t, c.Start())
	find()
}

func TestAWrongConfigurationIsAnErrorWithClamdsWords(t *testing.T) {
	Need(t)
	_, err := New(t.TempDir(), map[string]string{"NoSuchOption": "yes"})
	require.Error(t, err)
	assert.Contains(t, err.Error(), "NoSuchOption")
}

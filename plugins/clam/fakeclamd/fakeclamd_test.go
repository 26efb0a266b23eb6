package fakeclamd_test

import (
	"archive/zip"
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/baruwa-enterprise/clamd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/plugins/clam/clamdtest"
	"github.com/avirkit/avirkit/plugins/clam/fakeclamd"
	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

// zipped packs content; flags are set in both of its headers.
func zipped(t *testing.T, content []byte, flags uint16) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.CreateRaw(&zip.FileHeader{
		Name: "member", Flags: flags,
		CompressedSize64: uint64(len(content)), UncompressedSize64: uint64(len(content)),
	})
	require.NoError(t, err)
	_, err = f.Write(content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// scan asks a clamd for the status of content.
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

func TestTheFakeAnswersAnIndependentClientAsTheRealOneDoes(t *testing.T) {
	real, fake := clamdtest.Start(t, nil), clamdtest.StartFake(t)
	compressed := func() []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		f, err := w.Create("member")
		require.NoError(t, err)
		_, err = f.Write(append(bytes.Repeat([]byte("padding "), 100), testvirus.EICAR()...))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return b.Bytes()
	}()
	for _, sample := range []struct {
		name, status, signature string
		content                 []byte
	}{
		{"a clean file", "OK", "", []byte("nothing bad in here")},
		{"EICAR", "FOUND", testvirus.SignatureName, testvirus.EICAR()},
		{"EICAR in a zip", "FOUND", testvirus.SignatureName, compressed},
		{"a zip in a zip", "FOUND", testvirus.SignatureName, zipped(t, compressed, 0)},
		{"an encrypted zip", "FOUND", "Heuristics.Encrypted.Zip", zipped(t, []byte("xxxxxxxxxxxxyyyy"), 1)},
	} {
		t.Run(sample.name, func(t *testing.T) {
			for _, at := range [][2]string{{"tcp", real.Addr}, {"tcp", fake.Addr}, {"unix", real.Socket}, {"unix", fake.Socket}} {
				status, signature := scan(t, at[0], at[1], sample.content)
				assert.Equal(t, sample.status, status, at)
				assert.Contains(t, signature, sample.signature, at)
			}
			path := filepath.Join(t.TempDir(), "sample")
			require.NoError(t, os.WriteFile(path, sample.content, 0o644))
			for _, socket := range []string{real.Socket, fake.Socket} {
				client, err := clamd.NewClient("unix", socket)
				require.NoError(t, err)
				replies, err := client.Fildes(context.Background(), path)
				require.NoError(t, err)
				require.Len(t, replies, 1)
				assert.Equal(t, sample.status, replies[0].Status, socket)
			}
		})
	}
}

func TestTheFakeMisbehavesAsOftenAsItIsTold(t *testing.T) {
	fake := clamdtest.StartFake(t)
	fake.Set(fakeclamd.Fault{Name: "dead-engine", Skip: 1, Times: 2})
	for _, status := range []string{"FOUND", "OK", "OK", "FOUND"} {
		got, _ := scan(t, "tcp", fake.Addr, testvirus.EICAR())
		assert.Equal(t, status, got)
	}
	assert.Equal(t, 4, fake.Scans())
}

func TestAFaultThatDoesNotExistIsRefusedWithTheListOfThoseThatDo(t *testing.T) {
	fault, err := fakeclamd.ParseFault("reply=stream: OK")
	require.NoError(t, err)
	assert.Equal(t, fakeclamd.Fault{Name: "reply", Text: "stream: OK"}, fault)
	_, err = fakeclamd.ParseFault("eof")
	require.NoError(t, err)
	for _, wrong := range []string{"", "bogus", "reply"} {
		_, err = fakeclamd.ParseFault(wrong)
		assert.ErrorContains(t, err, "two-replies")
	}
}

func TestCloseEndsAllConnectionsOfTheFake(t *testing.T) {
	fake := clamdtest.StartFake(t)
	conn, err := net.Dial("tcp", fake.Addr)
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte("zIDSESSION\x00zPING\x00"))
	require.NoError(t, err)
	reply := make([]byte, 64)
	n, err := conn.Read(reply)
	require.NoError(t, err)
	assert.Equal(t, "1: PONG\x00", string(reply[:n]))
	fake.Close()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	_, err = conn.Read(reply)
	assert.Error(t, err)
	assert.Zero(t, fake.Open())
}

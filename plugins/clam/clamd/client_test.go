package clamd

import (
	"archive/zip"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/clamdtest"
	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

// logLines collects what a client logs.
type logLines struct {
	mu    sync.Mutex
	lines []string
}

func (l *logLines) logger() *api.Logger {
	return api.NewLogger(func(line string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.lines = append(l.lines, line)
	})
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// config is a client's configuration with times that suit a test. addresses
// is as in the option Address.
func config(t testing.TB, addresses string, log *logLines) Config {
	t.Helper()
	servers, err := ParseAddresses(addresses, 3310)
	require.NoError(t, err)
	return Config{
		Servers:        servers,
		Mode:           Auto,
		StartupTimeout: 10 * time.Second,
		ScanTimeout:    20 * time.Second,
		SelfTest:       time.Hour,
		MaxFileSize:    25 << 20,
		OnLimit:        api.Impossible,
		OnEncrypted:    api.Impossible,
		Log:            log.logger(),
	}
}

// start starts a client and closes it when the test ends.
func start(t testing.TB, cfg Config) *Client {
	t.Helper()
	c := New(cfg)
	require.NoError(t, c.Start())
	t.Cleanup(c.Close)
	return c
}

// write makes a file of the test's.
func write(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o644))
	return path
}

// scan scans one file with a scanner of its own.
func scan(c *Client, path string) api.Result {
	scanner := c.NewScanner()
	return scanner.Scan(context.Background(), api.File{Path: path})
}

func zipOf(t testing.TB, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("eicar.com")
	require.NoError(t, err)
	_, err = f.Write(content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func encryptedZipFile() []byte {
	return testvirus.Encrypted().Bytes()
}

func TestTheSevenSamplesOverEachTransport(t *testing.T) {
	real := clamdtest.Start(t, nil)
	for _, transport := range []struct {
		name, address string
		mode          Mode
	}{
		{"INSTREAM over TCP", real.Addr, Auto},
		{"FILDES over a unix socket", real.Socket, Fildes},
		{"INSTREAM over a unix socket", real.Socket, Instream},
		{"TCP by name", "localhost:" + strconv.Itoa(real.Port), Auto},
	} {
		t.Run(transport.name, func(t *testing.T) {
			var log logLines
			cfg := config(t, transport.address, &log)
			cfg.Mode = transport.mode
			c := start(t, cfg)
			for _, sample := range []struct {
				name    string
				content []byte
				verdict api.Verdict
			}{
				{"clean.exe", bytes.Repeat([]byte("MZ and more"), 9)[:95], api.OK},
				{"eicar.com", testvirus.EICAR(), api.VirusFound},
				{"eicar.zip", zipOf(t, testvirus.EICAR()), api.VirusFound},
				{"eicarpwd.zip", encryptedZipFile(), api.Impossible},
				{"empty.file", nil, api.OK},
				{"huge.file", make([]byte, 15_000_000), api.OK},
			} {
				r := scan(c, write(t, sample.name, sample.content))
				assert.Equal(t, sample.verdict, r.Verdict, "%s: %s", sample.name, r.Text)
				if r.Verdict == api.VirusFound {
					assert.Equal(t, testvirus.SignatureName+".UNOFFICIAL", r.Text)
				}
			}
			r := scan(c, filepath.Join(t.TempDir(), "nonexisting.file"))
			assert.Equal(t, api.Failed, r.Verdict)
			assert.Contains(t, r.Text, "no such file")
			assert.Contains(t, r.Text, "nonexisting.file")
			assert.NotContains(t, log.String(), "WRN", "nothing is wrong with this clamd")
		})
	}
}

// isScanning tells whether a scan is under way.
func (c *Client) isScanning() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.scans > 0
}
